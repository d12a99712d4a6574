import sys
def sub(f,*prs):
    p='/work/main/catalogue/'+f+'.txt'
    s=open(p,encoding='utf8').read()
    for a,b in prs:
        if a not in s: print('NOT FOUND',f,a);continue
        s=s.replace(a,b)
    open(p,'w',encoding='utf8').write(s)
