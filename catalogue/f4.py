from sub import sub
sub('bad-arguments',('says:    parametro|argumento * no|desconocido|valido|reconocido|implementado','says:    parametro|argumento de? comando? no|desconocido valido|reconocido|implementado?\nsays:    parametro|argumento desconocido|invalido'),
('example: 504 Parámetro de comando no implementado','example: 504 Parámetro de comando no implementado\nexample: 555 Parámetro desconocido'),
('says:    ehlo|helo requires domain|a|an|valid address|domain|hostname|argument','says:    ehlo requires domain address'),
('says(501): syntax|syntactically error|invalid','says(501): syntax error'),
('esmtp|smtp|mail|rcpt? parameter|parameters|option|argument|arguments\n','esmtp|smtp|mail|rcpt? parameter|parameters|option|arguments\n'),
('says:    invalid|bad|wrong|missing|too|extra number|argument|arguments|parameter|parameters|many|few of|to|in|for|arguments|parameters','says:    invalid|bad|wrong|missing number of arguments|parameters'))
sub('bad-line',('says:    8 bit|8bit character|characters|data in|not in? command|commands|allowed','says:    8 bit|8bit character|characters|data in|not allowed|permitted? in? command|commands'))
sub('line-too-long',('says:    command|line exceeds|exceeded|longer maximum|the|than|max|command line?','says:    command|command line is? longer than'),
('says(500): line|command|argument|parameter|path|too is? too|long long?','says(500): command|argument|parameter|path line? is? too long'),
('example: 500 Line too long.','example: 500 Line too long.\nexample: 500 Command line is longer than 512 octets'),
('says:    err * line|command|argument too long','says:    err * line|command|argument too long\nsays:    500 line too long'))
sub('line-too-long',('says:    500 line too long','says(500,after hello): line too long\nsays(500): input line too long'),('example: 500 Line too long.\n','example: 500 Line too long.\n'))
sub('no-valid-recipients',('says:    all recipients|rcpt|addresses|recipient commands? were|was|are|have|has been? rejected|refused|invalid|bad\n',''),
('example: 554 All recipients were rejected\n',''))
sub('wrong-order',('says:    you are|re already authenticated|logged|in','says:    you are|re already authenticated|logged in?\nsays:    you are|re logged in already'))
