from sub import sub
sub('line-too-long',('says(500,after hello): line too long\n','says(500,5.5.2): line too long\n'),('example: 500 Line too long.\n','example: 500 5.5.2 Line too long.\n'))
sub('success',('says:    status sent\n',''),('example: postfix/smtp[12]: 4XyZ1: to=<ana@example.com>, relay=mx.example.com[192.0.2.1]:25, dsn=2.0.0, status=sent\n',''),
('says(250): queued as\n','says:    ok queued as\n'),('says(250): 0 0 ok\n','says:    0 0 ok\n'),('says(250): 0 0 ok * gsmtp','says(250): 0 0 ok * gsmtp'))
s=open('/work/main/catalogue/success.txt').read()
s=s.replace("example: 250 ok 1732200000 qp 3120 queued as 12\n","example: 250 ok 1732200000 qp 3120\n").replace("says(250): ok id\n","says(250): ok id\nsays(250): ok * qp\n")
open('/work/main/catalogue/success.txt','w').write(s)
sub('client-cannot-connect',('says:    la conexion al|con el servidor ha fallado','says:    la conexion al|con el? servidor ha fallado'),('says:    connect to your incoming|outgoing\n','says:    unable|cannot to? connect to your incoming|outgoing\n'))
sub('tls-unavailable',('says:    tls engine|library problem|unavailable|error|not','says:    tls engine|library problem|unavailable closing|try'))
