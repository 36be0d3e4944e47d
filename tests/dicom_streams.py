"""The same 64 x 64 picture in every compression that DICOM allows: four upright bars of BARS, 12 bits (JPEG baseline: 8).

So the tests of decoders need no encoder. Made once by imagecodecs 2026.3.6: jpeg8_encode, jpeg_encode (level 95, or lossless),
jpegls_encode, jpeg2k_encode, htj2k_encode.
"""

from base64 import b85decode

import numpy as np

BARS = np.tile(np.repeat([0, 1200, 2600, 4000], 16), (64, 1)).astype(np.uint16)

STREAMS = {
    "JPEGBaseline8Bit": b85decode(
        "|JeWF01!$>Nk#wx0RR9200961|JwjV00IF40RaI50RaI50s;a81OoyB0s;jD1Oo&H1qKEN1qKEN2MGuU2MGrT1_%oX2?`1d3JL}Y3k(Yi3<(Mf3je?W3kU"
        "!}06+l&5di<h03QGV0R;g80RaI400000000000RjUA1qKHQ2?`7U!~nGr00IF60|EpC1qB2I0004f0RjU61Q7)iAu&M)6H#FYB5@QlfsvsIBSNvk6;jdgB"
        "r{@if(Z&17Z@2DB_<~*DJnEIHa9pqIzvQ7Mn_0VN>fx-R##YAT4Q8oW@l(=YIAgTc6WGrdV_?8hKGoWijtF*m6n&7nVO=bq@|{(sHv*5v$VCgx45~w!o$S"
        "H#>dFX%F@%+)z;V8+1laa<K*S$=jiF`@$&QZ_4fDp`TGCb00;pA002J#{(tDN(#k9Ka*F+6qQ8N9EA+C8{am8ISSYXHUW)xJqQ6%tuht4H_!pwTODM0^$}"
        "9DPiv9)YuhPmZ^>T{+V4}Z)dMos@iv3)ozgQ@*;9iRTETX?xD6iHEEBF_pze^~u)ygaNf{Opy"
    ),
    "JPEGExtended12Bit": b85decode(
        "|JeWF01!$>Nk#wx0RR9200961|JwjV00IF40RaI50RaI50s;a81OoyB0s;jD1Oo&H1qKEN1qKEN2MGuU2MGrT1_%oX2?`1d3JL}Y3k(Yi3<(Mf3je_X3k("
        "2206+l&5di<h02TlN0RaF20000000000000004G#ar02B}b00000000000000000000|Jncu0RaF2KLF4F0E$=wuK=sSFfZbk0IR?%@C*z1rGP5%3cLdX{"
        "wZJzyaKNPz`u%E0<Qq8z%Vc3mH?~3D)0;o_@#g<@Cv*G0{$sr3cLcZ0RPz"
    ),
    "JPEGLossless": b85decode(
        "|JeWF01!$>Nk#wx0RR9200961|HA+a3;;j?Kmh>}0RO}Q761VO0RR9100000000000000B4FB2y2mt{A1ONcf{s01&001iR00OT7000000000000000000"
        "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "000000000000000000000006+iP"
    ),
    "JPEGLosslessSV1": b85decode(
        "|JeWF01!$>Nk#wx0RR9200961|HA+a3;;j?Kmh>}0RO}Q761VO0RR9100000000000000B4FB2y2mt{A0RRBc{s01&001iR00OT70000fU;qNI001iR000"
        "02mH+@M@Bjj@00000DPRBsuK)ll@Bjb+0+s*(D)0aTuK)l504ZPq0<Qo7D)0aR00Nc(04neR0<Qo7001dq00OT704neR0007(001iR00OT70000fU;qNI0"
        "01iR00002mH+@M@Bjj@00000DPRBsuK)ll@Bjb+0+s*(D)0aTuK)l504ZPq0<Qo7D)0aR00Nc(04neR0<Qo7001dq00OT704neR0007(001iR00OT70000"
        "fU;qNI001iR00002mH+@M@Bjj@00000DPRBsuK)ll@Bjb+0+s*(D)0aTuK)l504ZPq0<Qo7D)0aR00Nc(04neR0<Qo7001dq00OT704neR0007(001iR00"
        "OT70000fU;qNI001iR00002mH+@M@Bjj@00000DPRBsuK)ll@Bjb+0+s*(D)0aTuK)l504ZPq0<Qo7D)0aR00Nc(04neR0<Qo7001dq00OT704neR0007("
        "001iR00OT70000fU;qNI001iR00002mH+@M@Bjj@00000DPRBsuK)ll@Bjb+0+s*(D)0aTuK)l504ZPq0<Qo7D)0aR00Nc(04neR0<Qo7001dq00OT704n"
        "eR0007(001iR00OT70000fU;qNI001iR00002mH+@M@Bjj@00000DPRBsuK)ll@Bjb+0+s*(D)0aTuK)l504ZPq0<Qo7D)0aR00Nc(04neR0<Qo7001dq0"
        "0OT704neR0007(001iR00OT70000fU;qNI001iR00002mH+@M@Bjj@00000DPRBsuK)ll@Bjb+0+s*(D)0aTuK)l504ZPq0<Qo7D)0aR00Nc(04neR0<Qo"
        "7001dq00OT704neR0007(001iR00OT70000fU;qNI001iR00002mH+@M@Bjj@00000DPRBsuK)ll@Bjb+0+s*(D)0aTuK)l504ZPq0<Qo7D)0aR00Nc(04"
        "neR0<Qo7001dq00OT704neR1OM3"
    ),
    "JPEGLSLossless": b85decode(
        "|JeWN03cIPNk&Eh0ssI30000$0000$3J?YX0003j0003j|L6b+00001|JeWc01FTRKmb4i0TBTI_y7$7|Nj6I07C&306_oR00;pA00000|3O#a1OWg*AP@"
        ")y1Ox;G1Ox;C000000N(<EK|w)5K|w)5K|w)5K>z>)wh|H&5)u*;5)u*;5)u*<!T@IgUI6fbUIBOqL;`pT;5Z;30Xzo;1K=ls;DGoOz~F%R6Tskr_!Ge3f"
        "cO)@;DGoOz~F%RCxe0q!8{xgJ_+F9f$&cU1P_9EI3Roz!NCLIo(>2f1n_V`_$Pyc2f;iX5Izau;Dg~jI3V~>4hTLI!-5Zl@Zf{tJUAfuPYwt^6T^ZJgz(^"
        "l;XF7X_)iW9J`=|TJ|~U{d`}z@_?|c+@jP%t;&|YP#PPuoiQ|GF6UPKTCyoewPaF{WJm8O$&ItKD;E$8e2>CqVkCV;_`8?o{lg<eFJm8O$&ItKD;Ga)$Pp"
        "7yi)7%s3?g{kw1p0e|eLcZGp5UKPa8IYO|Je"
    ),
    "JPEGLSNearLossless": b85decode(
        "|JeWN03cIPNk&Eh0ssI30000$0000$3J?YX0003j0003j|L6b+00001|JeWc01FTRKmb4i0TBTI_y7$7|Nj6R08#-d06_oR00;pA00RI3|3a$(fPn%CAc6"
        "=&5QG2#06zo}K?EfTLJ)+Y0005_Ae12}LK1`}2zWp<fV>X~7lQC~K|B+|!3V;4a6#~%91wgbhXg(+jtG2D91!@PI3e*oa6{sF;D^NV!5=4_5%PJ#A19m<@"
        "_E4@C!7)TdBGnioDuSQ!5=4_5%PJ#A1Amc)7%s3?g{kw1p0e|eLcZGp5UKPa8IYWC)3;$>Fx{j_%F}kzdwTf{tNT?FVEn=KZ5-J3-kCd&)~m5g8cpq^Y|~"
        "%;J-hD{Qe8`_%F}kzdwTf{tNT?FVEn=KZ5-J3-kCd&)~m5g8cpq^Y|~%!2j6"
    ),
    "JPEG2000Lossless": b85decode(
        "|4;u>04V?f0000$0000$00000000000000$0000$0000000000009pH0sm3}3;+NC0RRI81ONg5TmTI~fQX2Yh=`Dgh>-te03`qcLvm$dbY)~9VtF7>aAj"
        "^vP(?=|c4cyNX>V>IGA=bPH2;tQ3IG5A00CkE0soWV_>-6sPl_qffOXLc2#v4+!XT3(bSZXdRn9<k7G_2~KKs}@fG6hFr|d^IADaUcp-a0&eQjEP#B*W_n"
        "yn35j4O`NvYlVfS%Fp`MOar8g_!FBI9ZKoyYG=uS;HKW%lt;G8zB5EZoY4u=J~#F=?Z?FU}?ZVV?Y-vjHlQEf^?mXT(o25OPOc$p9M8>L<9ILk!BkNY<QC"
        "*hDf1Qi!QYpd3kwy-6lV&=or91Ww0S^6;26J3&Vx80|_Zv;cURb?2WT?xBI_1G_maXEG0<&C`d3XsmrSKUVZ1tiWawDH_h{W-#5+keBY;|670ml0cZYkOj"
        "aFFK*&85{{iZxK8l1siiAFjf51OvAT{w4TO1$%AQiIkwqRbu{4c`%G9yY*)smKAUc&q@!yvYe4OuB>1?(@v{4#)kQ+g*O<~>wCGXnfC!v^q>m;ZnN*#"
    ),
    "JPEG2000": b85decode(
        "|4;u>04V?f0000$0000$00000000000000$0000$0000000000009pH0sm3}5CH-J0RRI81ONbth=_>)TmTnBr#Pojr%<P8kOhzhkVlu(m(!PG|6~9q00B"
        "dCWnpw>WFTUBAWv{*Zc0!^M<8}(a&u{KZXhx)H7+#&kN^q*00000mH+|&lh5HS5l}*R48Gl50|^3tumAymCoZVkwEc(jq-^*=l!L_Q7gHMc_8&|gIepw2+"
        "7-nNN_)G7I0CjxLUUHzUCQ#kq_N!w05X@9yr-SO9~mGQDU7EkhguJwpdqz5@l4_jbHF|_pdoA(P6<?65Hp3d0|SusN>EpiPx`<W05$OvTO1$$Z2#E"
    ),
    "HTJ2KLossless": b85decode(
        "|4;u>04YEK0000$0000$00000000000000$0000$0000000000009pH0sl|{2mk^A000XAQUDA90ssL31q1{@0smY86Cj9?kdTm&kdTm&kdTmwh=~7W02c"
        "rOPjF>!N>E53R%LP^FfKASE;BCwkN^q*000024*&uGlfVEg05=0~27cUs+yP;f0KfnhKq*R*E_L|<g0uj@02b&;Orqh2cimM45t2xv;f8nJRRj_K0A~jnz"
        "*(38zyKGh0M%3j6;z{*h8SX_jfRL=O*K$KHQH#1AvW4*h#^)@HBdn{+GvO&Hri;2Ay!Q_P(d}?Xow*;+GvO&_5ir-<o6w%p5wEVgkT?7V*z4x0l)wk)Zj%"
        "GMWK|qM3<|?CAwTi6-5apC6?%lD<zibiYrAGMF}M(mgtHrC6?%lD@7GW2_+?#=!z>PmgtHrMHNK}B_)>ViYq0S=!z>v6-5apC6?%lD<zibiYrAGMF}M(mg"
        "tHrC6?%lD@7GW2_+?#=!z>PmgtHrkMItsbvvouPU?44x}DVSr*%82-A?LvQ@Wkh?x%G-sohTMaRbqS34Is<m(qf91Hb?;uK=&Sa@SpV-Sx^VcinZ@U9Y@y"
        "*Ijqr^~x)E-F4Spue@^CU3cB}$}4x>b=O_5ymHrFcir{MD|g*>*Ilo?a@SpV-Sx^VcinZ@U9Y@y*Ijqr^~x)E-F4Spue@^CU3cB}$}4x>b=O_5ymHrFcir"
        "{MD|g*>*Inhm|3x`YQ<UX7PE(ZSIZjiQ<vC7Ml;t^2Q<UX7PE(ZSIZjiQ<vC7Ml;t^2Q<UX7PE(ZSIZjiQ<v1uV3JZdQbOis|"
    ),
}
