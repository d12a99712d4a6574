from sub import sub
sub('client-certificate-name',
('says:    certificate presented|used by the? server * not|invalid|untrusted\n','says:    certificate presented|used by the mail? server\n'),
('says:    zertifikat * ungultig|nicht|abgelaufen\n','says:    sicherheitszertifikat * ungültig|nicht|abgelaufen\n'),
('says:    certificado * autofirmado|caducado|expirado\n','says:    certificado de seguridad * autofirmado|caducado|expirado\n'),
('El certificado del servidor de correo ha caducado','El certificado de seguridad de este servidor ha caducado'),
("says:    hostname * does not|doesn match|t match? * certificate\nsays:    hostname|ip mismatch|address * certificate|cert\n","says:    hostname * match * certificate\nsays:    sslcertverificationerror\nsays:    certificateerror hostname\nsays:    hostname ip does not match certificate\n"),
("Hostname mismatch, certificate is not valid for 'mail.example.com'.","certificate verify error for 'mail.example.com'"),
('says:    server certificate isn|is t|not valid|trusted\n','says:    server certificate isn t valid|trusted\n'))
sub('client-cannot-connect',('says:    unable to connect to the remote server\n','says:    sockets socketexception unable to connect\n'),
('says:    не удалось|удается подключиться * почтовому серверу\n','says:    не удалось подключиться к вашему? почтовому серверу входящей|исходящей\n'),
('Не удалось подключиться к почтовому серверу','Не удалось подключиться к почтовому серверу входящей почты'))
sub('client-time-out',('says:    timed out waiting for|on\n','says:    timed out waiting for the? server\n'),('example: Timed out waiting for response\n','example: Timed out waiting for the server\n'))
sub('unknown-mechanism',('says:    secure password authentication * not|failed|failure supported?\n',''),('example: Unable to log on to the server using Secure Password Authentication, it is not supported\n',''))
sub('client-login-refused',('says:    sending of password|username|user for|did|name * did not succeed','says:    password|name * did not succeed'))
sub('client-recipient-refused',
('says:    message could not be sent because one of the recipients was rejected by the server\n','says:    of the recipients was rejected\n'),
('says:    message could not be sent because the server rejected the sender s e|email\n','says:    server rejected the sender s\n'),
('says:    error occurred while sending mail * responded * check|please the? message recipient|recipients\nsays:    please check the message recipient\n',''),
('example: An error occurred while sending mail. The mail server responded: 550 5.0.0. Please check the message recipient "luis@example.net" and try again.\n',''),
('says:    no se pudo|puede|ha podido? enviar el mensaje porque|debido * rechazo|rechazado|rechaza * destinatario|destinatarios\nsays:    el servidor rechazo|ha uno|rechazado de|uno los|de destinatarios|los\nsays:    no se pudo|puede|ha podido? enviar el mensaje porque|debido * direccion * remitente\nsays:    el servidor rechazo|rechaza la direccion de correo * remitente\nsays:    compruebe los|el destinatarios|destinatario del mensaje\n',
'says:    enviar * rechazo|rechazado|rechaza uno de los destinatarios\nsays:    enviar * rechazo|rechazado|rechaza la direccion * remitente\n'),
('example: El mensaje no se envió. Compruebe los destinatarios del mensaje\n',''),
('says:    none of the recipients|addresses were|was accepted by the server\n','says:    recipients were|was accepted by the server\n'))
sub('client-message-refused',
('says:    sending of the message failed\n','says:    sending of * failed\n'),
('says:    an error occurred while sending mail the mail server responded\nsays:    mail server responded\n','says:    while sending mail\nsays:    mail server responded\n'),
('says:    el envio del mensaje ha fallado\n','says:    envio * mensaje ha fallado\n'),
('says:    ha ocurrido|ocurrio un error al enviar el? correo|mensaje\nsays:    el servidor de correo respondio\n','says:    error al enviar el? correo|mensaje\nsays:    correo respondio\n'))
