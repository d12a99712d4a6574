from sub import sub
sub('unknown-mechanism',('says:    secure password authentication * not|fail*\n','says:    secure password authentication * not|failed|failure supported?\nsays:    sasl authentication failure no worthy mechs found\n'))
sub('login-too-soon',('logging|checking|connecting|polling|login|logins|check|checks|connect|poll in|mail|your|for? too often|frequently|many|frequent','checking|polling|connecting|logging * too often|frequently'),
 ('login|logon|connection|minimum|minimal time|interval|delay|minutes|seconds between','minimum|minimal|seconds|minutes|time|interval|delay interval|time|delay|minutes|seconds? between'))
sub('login-unavailable',('can t|cannot connect to authentication|auth|saslauthd server|service|daemon|socket','connect to authentication|auth|saslauthd server|service|daemon|socket'))
sub('mailbox-in-use',
('says:    maildrop|mailbox is? already? locked|open|opened by another|other|a|pop|pop3\n','says:    err * maildrop|mailbox|account is? already|currently? locked|open|opened|active|busy by? another|other|a|pop|pop3?\nsays:    mailbox|maildrop is locked by another? pop|pop3\n'),
('says:    maildrop|mailbox already|currently locked|open|opened|active\n',''),
('says:    mailbox|maildrop|account is? already? in use\n','says:    err * mailbox|maildrop|account is? already? in use\nsays:    mailbox already in use\n'),
('says:    cannot|can t|unable to? get|lock|obtain|acquire * mailbox|maildrop|lock\n','says:    err * cannot|can t|unable to? get|obtain|acquire|lock * mailbox|maildrop|lock\n'),
('says:    unable|failed to lock|open maildrop|mailbox\n','says:    err * unable|failed to lock|open maildrop|mailbox\n'),
('says:    mailbox|maildrop lock timed|timeout|failed|busy out?\n','says:    err * mailbox|maildrop lock timed|timeout|failed|busy out?\n'),
('example: -ERR Can\'t get lock. Mailbox in use','example: -ERR Can\'t get lock. Mailbox in use\nexample: -ERR mailbox already in use'),
('says:    mailbox|account|user|maildrop is? already|currently logged|connected in?','says:    account|user|mailbox|maildrop is? already|currently logged in|on'),
('says:    could not lock|open pop3? maildrop|mailbox|mailbox','says:    err * could not lock|open pop3? maildrop|mailbox'),
('ask your service about IMAP, which lets many devices in at once.','ask your service how several devices can share one mailbox.'),
('pregunte a su servicio por IMAP, que admite varios aparatos a la vez.','pregunte a su servicio cómo compartir un buzón entre varios aparatos.'))
