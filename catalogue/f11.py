from sub import sub
sub('bad-arguments',('example: 555 5.5.4 Unsupported option: NOTIFY=SUCCESS\n','example: 555 5.5.4 Unsupported parameter: NOTIFY=SUCCESS\n'))
sub('client-unknown-error',('says:    sending|receiving reported error 0x8*\n','says:    reported error\n'),
 ('says:    an? unknown|unexpected error has? occurred * account|0x80040119|0x800ccc0b|outlook\n','says:    an? unknown|unexpected error has? occurred in outlook\n'))
sub('client-certificate-name',('says:    sslcertverificationerror\n',''),("example: ssl.SSLCertVerificationError: certificate verify error for 'mail.example.com'\n",''))
sub('client-disk-full',
('says:    no hay|queda suficiente|bastante? espacio en * disco|dispositivo|ordenador|telefono|equipo\nsays:    espacio insuficiente|de en|disco * disco|dispositivo|ordenador|insuficiente|equipo\n','says:    no hay|queda suficiente|bastante? espacio en su|tu|el disco|dispositivo|ordenador|telefono|equipo * mensajes|descargar|correo\nsays:    espacio insuficiente en su|tu|este|el dispositivo|ordenador|telefono|equipo * mensajes|descargar|correo\n'),
('El disco de','El disco de') if False else ('example: No hay suficiente espacio en el disco\nexample: Espacio insuficiente en el dispositivo\n','example: No hay suficiente espacio en el disco para descargar los mensajes\nexample: Espacio insuficiente en el dispositivo para descargar el correo\n'),
('says:    espace disque insuffisant\nsays:    nicht genugend speicherplatz|festplattenspeicher|speicher\nsays:    spazio su disco insufficiente\nsays:    espaco em disco insuficiente\nsays:    недостаточно места на диске\nsays:    ディスクの空き容量が不足\n',
'says:    espace disque insuffisant * telecharger|messages\nsays:    nicht genugend speicherplatz * gerat|computer|herunterladen\nsays:    spazio su disco insufficiente * scaricare|messaggi\nsays:    espaco em disco insuficiente * baixar|mensagens\nsays:    недостаточно места на диске * загрузки|писем\nsays:    ディスクの空き容量が不足しているためメール\n'),
('example: Spazio su disco insufficiente\nexample: Espaço em disco insuficiente\nexample: Недостаточно места на диске\nexample: ディスクの空き容量が不足しています\n','example: Spazio su disco insufficiente per scaricare i messaggi\nexample: Espaço em disco insuficiente para baixar mensagens\nexample: Недостаточно места на диске для загрузки писем\nexample: ディスクの空き容量が不足しているためメールを受信できません\n'))
sub('client-mailbox-locked',('says:    0x800ccc90 * lock|locked|use|busy\n','says:    server response err mailbox|maildrop * lock|locked|use|busy * 0x800ccc90\n'),
("example: There was a problem logging onto your mail server. Server Response: '-ERR mailbox lock failed', Error Number: 0x800CCC90 (mailbox in use)\n","example: Account: 'ana', Server: 'pop.example.com', Server Response: '-ERR maildrop already locked', Error Number: 0x800CCC90\n"),
('The server responded that it is busy','POP3 mailbox'),
('says:    buzon|carpeta|cuenta * bloqueado|bloqueada|uso|ocupado * otro|otra programa|aplicacion|operacion|dispositivo','says:    buzon|carpeta|cuenta * bloqueado|bloqueada|uso|ocupado por otro|otra programa|aplicacion|operacion|dispositivo'))
sub('login-suspended',('says:    login|logon to|for your|this account has been|is disabled|blocked|suspended|locked','says:    login|logon to|for your|this account|mailbox has been|is disabled|blocked|suspended|locked due? to?'))
sub('login-too-soon',('says:    登录频率\n','says:    超出登录频率\n'))
sub('unknown-command',('says:    command is? disabled|disallowed\n',''),('example: 502 Command is disabled by policy\n',''))
sub('login-unavailable',('says(4yz): authentication|auth|login failed|failure|error|unavailable|problem\n','says(435): authentication|auth|login failed|failure|error|unavailable|problem\nsays(454): authentication|auth|login failed|failure|error|unavailable|problem\n'),
('example: 435 4.7.8 Authentication failure\n','example: 435 4.7.8 Authentication failure\nexample: 454 4.7.0 Authentication error\n'))
