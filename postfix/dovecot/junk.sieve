# Files into Junk what Tamis says is to go there, and nothing else. For Dovecot (sieve_before) or any server with Sieve.
#
# The action is the second word of the topmost X-Tamis-Verdict: header, which Tamis wrote: copies that came from outside
# were removed. What follows quotes the message in because="...", so it is never searched. A fold between the two words
# may leave a space, a tab or both. They are written out, since "?" goes wrong in Pigeonhole (0.5.19): "a?b=c*" matches
# "a b=d", too. Where tamis.toml gives the header another name, change it here as well.
require ["fileinto", "mailbox", "index"];

if header :index 1 :matches "X-Tamis-Verdict" [
    "spam; action=junk;*", "spam;	action=junk;*", "spam; 	action=junk;*", "spam;  action=junk;*",
    "differs; action=junk;*", "differs;	action=junk;*", "differs; 	action=junk;*", "differs;  action=junk;*"
] {
    fileinto :create "Junk";
    stop;
}
