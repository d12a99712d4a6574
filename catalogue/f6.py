from sub import sub
sub('not-all-removed',('says:    could not|cannot|unable to? remove','says:    not|cannot|unable to? remove'))
sub('mailbox-in-use',('err * cannot|can t|unable to? get','err * cannot|can|unable t|to? get'))
