from sub import sub
sub('client-unknown-error',('says:    reported error\n',''),('example: Sending reported error (0x80040201)\n','example: Error 0x80040201\n'))
sub('wrong-order',('se come partes de la conversación','elimina partes de la conversación'))
sub('line-too-long',('un pase de Kerberos demasiado grande','un tique de Kerberos demasiado grande'),('Un pase de acceso de una red de empresa','Un tique de acceso de una red de empresa'))
