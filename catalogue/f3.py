from sub import sub
sub('bad-login-message',
('says:    cannot|can t|could not|unable to? decode auth|authentication|response|base64|parameter|the|string','says:    cannot|not|unable to? decode auth|authentication|base64|parameter|the|string'),
('says:    bad protocol cancel|invalid|bad? base64','says:    sasl authentication failure bad|invalid protocol|message|response'),
('says:    invalid|malformed|bad|illegal|incorrect base64|base 64?','says:    authentication failed invalid|malformed|bad base64 data|input|string|response\nsays:    invalid|malformed|bad|illegal|incorrect base64|base 64?'),
('exchange|parameter|argument|arguments|initial|request|data|command','exchange|parameter|argument|arguments|initial|request|command'))
sub('tls-unavailable',('says:    cifrado|tls|ssl no disponible|esta|admitido disponible|ahora','says:    cifrado|tls|ssl no disponible|admitido'),('says:    tls|ssl|chiffrement indisponible|non disponible','says:    tls|ssl|chiffrement indisponible'))
sub('unknown-command',('says:    502 unimplemented\n',''),('says(502): unimplemented|unsupported|disabled|disallowed|error|forbidden command|5|try|by\n','says(502): unimplemented\nsays(502): error command|unsupported|disabled\n'),
('says:    command|unrecognized|unknown xxxx|xxxxxxx|xxxx xxxx\n',''),('example: 502 ESMTP command error','example: 502 ESMTP command error\nexample: 502 Error: command unsupported'))
