import re,sys,glob,unicodedata,os
CJK=lambda c: 0x3040<=ord(c)<=0x30ff or 0x3400<=ord(c)<=0x9fff or 0xac00<=ord(c)<=0xd7af or 0xf900<=ord(c)<=0xfaff
def simp(s,keep=''):
    s=unicodedata.normalize('NFC',s)
    out=''
    for c in s:
        if CJK(c): out+=' '+c+' '; continue
        d=unicodedata.normalize('NFD',c.lower())
        for e in d:
            if unicodedata.combining(e): continue
            if CJK(e): out+=' '+e+' '
            elif e.isalnum() or e in keep: out+=e
            else: out+=' '
    return out.split()
SHORT=[]
def comp(p):
    toks=simp(p,'|?*')
    res=[];n=0
    for t in toks:
        if t=='*': res.append('*');continue
        opt=t.endswith('?')
        if opt:t=t[:-1]
        alts=t.split('|')
        for a in alts:
            if a.endswith('*'):
                assert len(alts)==1 and not opt,('prefix in alternation',p)
                assert len(a)>=4,('short prefix',p)
            assert a and re.fullmatch(r'[^*|?]+\*?',a),p
        res.append((alts,opt))
    words=[r for r in res if r!='*' ]
    big=any(len(a)>=10 for r in words for a in r[0])
    nonasc=any(ord(c)>127 for c in p)
    if len(words)<2 and not big and not nonasc: SHORT.append(p)
    return res
def m(pat,w):
    best=[None]
    def at(i,j,sc):
        if i==len(pat): return sc
        t=pat[i]
        if t=='*':
            r=[x for x in (at(i+1,k,sc) for k in range(j,min(j+8,len(w))+1)) if x is not None]
            return max(r) if r else None
        alts,opt=t
        if j<len(w):
            for a in alts:
                if (a.endswith('*') and w[j].startswith(a[:-1])) or w[j]==a:
                    x=at(i+1,j+1,sc+len(a.strip('*'))+1)
                    if x is not None: return x
        if opt: return at(i+1,j,sc)
        return None
    r=[x for x in (at(0,j,0) for j in range(len(w)+1)) if x is not None]
    return max(r) if r else None
def parse(files):
    S={};order=[]
    for f in files:
        sec=None;last=None
        for n,l in enumerate(open(f,encoding='utf8'),1):
            l=l.rstrip('\n')
            if l.startswith('#') or not l.strip(): continue
            mm=re.match(r'\[(.+)\]$',l)
            if mm: sec=S.setdefault(mm[1],{'_f':os.path.basename(f)});last=None;continue
            if l[0] in ' \t':
                sec[last][-1]+='\n'+l.strip();continue
            mm=re.match(r'([a-z][\w.\-]*(?:\([^)]*\))?):\s*(.*)$',l)
            if not mm: print('BAD LINE',f,n,l);continue
            sec.setdefault(mm[1],[]).append(mm[2].strip());last=mm[1]
    return S
BAD={'smtp','dns','mx','ptr','spf','ip','tls','relay','bounce','mta','header','port','ports','puerto','pop3','imap','rebote','cabecera','dkim','dmarc','protocol','protocolo'}
if __name__=='__main__':
    base='/work/main/catalogue/'
    files=sorted(glob.glob(base+'*.txt'));IDS=[l.split()[0] for l in open('/tmp/cat/ids')]; files=[f for f in files if os.path.basename(f)!='words.txt']
    only=sys.argv[1:]
    S=parse(files); R={}
    for k,v in S.items():
        if ' ' not in k and 'class' in v: R[k]=v
    mine=[k for k in R if k in (only or IDS)]
    P={}
    for k,v in R.items():
        P[k]=[]
        for key,vals in v.items():
            if key.startswith('says'):
                for x in vals:
                    try:P[k].append((key,x,comp(x)))
                    except AssertionError as e:
                        if k in mine: print('PAT',k,e)
    def weight(key,x):
        return sum(len(t.strip('?*')) for t in x.split() if t!='*' )/1.0+(6 if '(' in key else 0)
    def nar(key,ex,i):
        mm=re.match(r'says\((.*)\)',key)
        if not mm: return True
        w=ex
        for c in mm[1].split(','):
            c=c.strip()
            if re.fullmatch(r'\d\d\d',c):
                if not re.search(r'\b'+c+r'\b',w): return False
            elif re.fullmatch(r'[245]yz',c):
                if not re.search(r'\b'+c[0]+r'\d\d\b',w): return False
            elif re.fullmatch(r'\d\.\d+\.\d+',c):
                if not re.search(r'(?<!\d)'+re.escape(c)+r'(?!\d)',w): return False
            # phases & providers: assumed
        return True
    for k in mine:
        v=R[k]
        for q in ('class','who','retry'):
            if len(v.get(q,[]))!=1: print(k,'KEY',q)
        deliv=v['class'][0]=='delivered'
        ex=[simp(e) for e in v.get('example',[])]
        for key,x,c in P[k]:
            if not any(m(c,e) is not None and nar(key,r,0) for e,r in zip(ex,v['example'])): print(k,'UNMET',key,x)
        for e,r in zip(ex,v.get('example',[])):
            own=[(m(c,e)+(6 if '(' in a else 0),b) for a,b,c in P[k] if m(c,e) is not None and nar(a,r,0)]
            if not own: print(k,'EXAMPLE UNEXPLAINED',r); continue
            bo=max(own)
            for o in R:
                if o==k: continue
                for a,b,c in P[o]:
                    q=m(c,e)
                    if q is None or not nar(a,r,0): continue
                    q+=6 if '(' in a else 0
                    if q>=bo[0] : print(k,'STOLEN by',o,'<',a,b,q,'> own',bo,'|',r)
        for L in 'en','es':
            t=S.get(k+' '+L)
            if not t: print(k,'NO',L);continue
            need=['summary','what'] if deliv else ['summary','what','causes','user','owner','postmaster','fixed']
            for q in need:
                if len(t.get(q,[]))!=1: print(k,L,'LACKS',q);continue
            for q in t:
                if q!='_f' and q not in ('summary','what','causes','user','owner','postmaster','fixed'): print(k,L,'KEY?',q)
            wc=lambda s:len([w for w in s.replace('\n- ',' ').split() if w!='-'])
            for q,mx in ('summary',20),('what',60),('user',60):
                if q in t:
                    if wc(t[q][0])>mx: print(k,L,q,wc(t[q][0]),'words')
                    for w in re.findall(r'\w+',t[q][0].lower()):
                        if w in BAD: print(k,L,q,'TECH',w)
            for q,(a,b) in dict(causes=(2,4),user=(1,5),owner=(1,3),postmaster=(1,4)).items():
                if q in t:
                    n=t[q][0].count('\n- ')
                    if not a<=n<=b: print(k,L,q,'items',n)
        for r in v.get('reply',[]):
            if len(r)>215: print(k,'LONG',r)
    # mine stealing others
    for o in R:
        if o in mine: continue
        for r in R[o].get('example',[]):
            e=simp(r)
            own=[m(c,e)+(6 if '(' in a else 0) for a,b,c in P[o] if m(c,e) is not None and nar(a,r,0)]
            bo=max(own) if own else 0
            for k in mine:
                for a,b,c in P[k]:
                    q=m(c,e)
                    if q is None or not nar(a,r,0): continue
                    q+=6 if '(' in a else 0
                    if q>=bo and own: print('MINE',k,'STEALS from',o,'<',a,b,q,'>',bo,'|',r)
    for x in SHORT:
        if any(x==b for k in mine for a,b,c in P[k]): print('SHORT',x)
    print(len(mine),'reasons',sum(len(P[k]) for k in mine),'patterns',sum(len(R[k].get('example',[])) for k in mine),'examples')
