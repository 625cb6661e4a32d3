# For Dovecot's imapsieve: what a user files into Junk is reported to Tamis as spam (docs/delivery.md).
require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment", "variables"];

if environment :matches "imap.user" "*" {
    set "user" "${1}";
}
pipe :copy "tamis-report" ["spam", "${user}"];
