from sub import sub
sub('wrong-password',('says(535): authorization|auth|login|logon|authentication fail','says(535): authorization|auth|login|logon fail'),
 ('says:    authentication unsuccessful\n','says:    authentication unsuccessful|refusee\n'))
sub('app-password-needed',('says:    application|app password|passwords is? required|needed|necessary\n','says:    application|app password|passwords is? required|needed|necessary\nsays:    authentication|login failed * application|app specific? password\nsays:    incorrect|invalid|wrong|bad|not * password|accepted * application|app specific? password\n'),
 ('says:    not enabled for','says:    imap|pop|pop3|smtp access for|to this|your mailbox|account|user is|has been? disabled|off\nsays:    not enabled for'))
sub('login-suspended',('says:    account locked out\n','says:    authentication|login failed * account|user is? locked|disabled|suspended|blocked out?\nsays:    account locked out\n'))
sub('mechanism-too-weak',('authentication|auth|login|sasl mechanism|method is? too weak|insecure|unsafe','authentication|auth|login|sasl mechanism|method is? too? weak|insecure|unsafe'))
sub('tls-first',('encryption|ssl|tls * required * for|before|to|when authentication|','encryption|ssl|tls * required * for|before|to|when any? authentication|'),
 ('mot de passe|authentification * chiffree|chiffrement|ssl|tls|securisee','authentification|connexion|passe * connexion|liaison? chiffree|securisee'))
