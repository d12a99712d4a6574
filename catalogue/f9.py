from sub import sub
sub('client-antivirus-in-between',('says:    antivirus|pare|parefeu feu|bloque bloque|empeche','says:    antivirus bloque|empeche|perturbe'),
('says:    avast|avg mail|web|email shield\n','says:    avast|avg web? mail|email shield\n'),
('says:    avast|avg mail shield * untrusted|root|certificate|self','says:    avast|avg web? mail shield * untrusted|root|certificate|self'),
('antivirus|anti|firewall virus? * interfering','antivirus|firewall * interfering'),
('interfering|interference|intercepted|blocked|stopped by|with from? your? antivirus|firewall|anti|security virus|software?','interfering|interference|intercepted|blocked|stopped by|with|from your antivirus|firewall'))
sub('client-no-internet',('says:    enetunreach|err network|internet|unreachable disconnected|connect','says:    connect enetunreach'),('example: Error: connect ENETUNREACH connect','example: Error: connect ENETUNREACH 192.0.2.1:587'),
('says:    sem conexao com|a|de internet|rede','says:    sem conexao com|de a? internet|rede'))
sub('client-time-out',('says:    timed out|while out|waiting waiting|for for|the|response response|server','says:    timed out waiting for|on'),
('says:    se agoto|ha agotado|sobrepaso|excedio|supero el tiempo de? espera * servidor|comunicacion','says:    se agoto|excedio|supero|sobrepaso el tiempo de espera * servidor|comunicacion'),
('says:    server did not|t respond in|within time|the|a\n','says:    mail server did not|t respond\n'),('The server did not respond in time','The mail server did not respond in time'),
('says:    etimedout|esockettimedout|timeout connect|greeting|connection|smtp\n','says:    esockettimedout\n'),('example: Error: ETIMEDOUT connection\n','example: Error: ESOCKETTIMEDOUT\n'))
sub('client-tls',('says:    an unexpected network error|packet|the|handshake occurred|format|failed due|wrong\n',''),
('says:    wrong version number\n','says:    sslerror ssl wrong version number\n'),
('says:    sslv3 alert handshake failure\nsays:    tlsv1 alert protocol version\n','says:    sslerror * sslv3 alert handshake failure\nsays:    sslerror * tlsv1 alert protocol version\n'),
('example: error:14094410:SSL routines: sslv3 alert handshake failure\nexample: error:1409442E:SSL routines: tlsv1 alert protocol version\n','example: ssl.SSLError: [SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure (_ssl.c:1129)\nexample: ssl.SSLError: [SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version (_ssl.c:1129)\n'))
sub('login-required',('says:    sender address rejected * not logged in\n',''),('example: 553 5.7.1 <ana@example.com>: Sender address rejected: not logged in\n','example: 553 5.7.1 You are not logged in\n'))
