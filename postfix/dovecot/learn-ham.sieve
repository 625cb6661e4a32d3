# For Dovecot's imapsieve: what a user takes out of Junk is reported to Tamis as ham (docs/delivery.md). What is thrown
# away is not: nobody says that it is no spam.
require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment", "variables"];

if environment :matches "imap.user" "*" {
    set "user" "${1}";
}
if environment :matches "imap.mailbox" "*" {
    set "mailbox" "${1}";
}
if string :is "${mailbox}" ["Junk", "Trash", "Deleted Messages", "Deleted Items", "Corbeille", "Papierkorb"] {
    stop;
}
pipe :copy "tamis-report" ["ham", "${user}"];
