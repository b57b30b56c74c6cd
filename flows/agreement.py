"""The words of agreement and refusal, as data, and what a message of them means.

To teach the bot another word, add it to its language below, as people write it.
"""

import re
from itertools import groupby

from flows.words import signs, tidy, words

YES = {
    "en": "yes, y, yep, yup, yeah, yea, ye, ya, yah, yass, aye, sure, sure thing, ok, okay, okey, okie, okie dokie, "
    "okey dokey, okidoki, k, kk, of course, absolutely, definitely, certainly, alright, all right, you bet, agreed, i "
    "agree, correct, exactly, affirmative, indeed, fine by me, thats fine, sounds good, sounds great, works for me, "
    "that works, thats right, go ahead, go for it, lets do it, lets go, count me in, im in, im up for it, please do, "
    "id love to, i would love to, id like to, i would like to, id like that, i would like that, gladly, with "
    "pleasure, happy to, id be happy to, by all means, uh huh, mhm, mm hmm, hell yes, hell yeah, for sure, totally, "
    "ok then",
    "es": "sí, sip, claro, claro que sí, por supuesto, por supuesto que sí, desde luego, vale, de acuerdo, dale, "
    "okey, está bien, me parece bien, me apunto, con gusto, con mucho gusto, encantado, encantada, cómo no, quiero, "
    "sí quiero, acepto, correcto, exacto, órale, obvio",
    "fr": "oui, ouais, ouaip, ouep, bien sûr, bien sûr que oui, d'accord, avec plaisir, volontiers, carrément, ça "
    "marche, ça me va, ça roule, évidemment, certainement, tout à fait, je veux bien, bien entendu, si",
    "de": "ja, jo, jup, jap, jepp, jawohl, klar, na klar, aber klar, ja klar, natürlich, aber natürlich, gern, gerne, "
    "sehr gern, sehr gerne, auf jeden fall, passt, geht klar, einverstanden, sicher, selbstverständlich, stimmt, ich "
    "will",
    "pt": "sim, claro, claro que sim, com certeza, com prazer, isso mesmo, beleza, blz, aceito, quero, bora, tá bom, "
    "está bem, ok, pode sim, lógico",
    "it": "sì, certo, certo che sì, certamente, va bene, volentieri, d'accordo, esatto, con piacere, ovvio, ovviamente",
    "nl": "ja, jawel, jazeker, ja hoor, zeker, zeker weten, graag, natuurlijk, akkoord, is goed, jep, tuurlijk",
    "pl": "tak, jasne, oczywiście, pewnie, chętnie, dobrze, zgoda, jak najbardziej, no pewnie, no jasne, spoko",
    "ru": "да, ага, угу, конечно, хорошо, ок, окей, ладно, давай, давайте, с удовольствием, согласен, согласна, "
    "разумеется, хочу, безусловно, именно, da, конечно да",
    "uk": "так, ага, звісно, звичайно, авжеж, добре, гаразд, згоден, згодна, хочу, із задоволенням, з радістю, ок",
    "tr": "evet, tabii, tabi, tabii ki, tabi ki, olur, tamam, elbette, isterim, istiyorum, aynen, kabul",
    "ar": "نعم, اجل, ايوه, ايوة, ايوا, اه, طبعا, بالطبع, بالتاكيد, اكيد, تمام, حسنا, موافق, موافقة, ماشي, اوكي, اوك, "
    "بكل سرور",
    "fa": "بله, آره, اره, باشه, حتما, البته, قبوله, موافقم, با کمال میل, اوکی",
    "hi": "हाँ, हां, जी, जी हाँ, जी हां, ठीक है, ज़रूर, जरूर, बिल्कुल, बिलकुल, haan, haanji, ji, ji haan, han ji, theek hai, "
    "thik hai, bilkul, zaroor",
    "zh": "是, 是的, 好, 好的, 好啊, 好呀, 好吧, 可以, 可以的, 行, 对, 對, 对的, 嗯, 嗯嗯, 当然, 當然, 当然可以, "
    "没问题, 沒問題, 愿意, 願意, 我愿意, 我願意, 要, 我要, 同意, 我同意, 没错",
    "ja": "はい, うん, ええ, もちろん, もちろんです, ぜひ, 是非, お願いします, おねがいします, いいよ, いいですよ, "
    "了解, 了解です, わかりました, オッケー, オーケー, そうです",
    "ca": "sí, és clar, esclar, i tant, d'acord, per descomptat, per suposat, vinga, clar que sí",
    "sv": "ja, jo, japp, jajamän, jajamensan, absolut, gärna, ja tack, självklart, visst, javisst, okej, det går bra",
    "da": "ja, jo, jep, gerne, ja tak, selvfølgelig, klart, naturligvis, det er fint, meget gerne",
    "no": "ja, jo, jepp, gjerne, ja takk, selvfølgelig, klart, greit, det er greit, veldig gjerne",
    "fi": "kyllä, joo, juu, jep, totta kai, tietysti, toki, mielelläni, ilman muuta, kyllä kiitos, sopii, okei",
    "cs": "ano, jo, jasně, určitě, samozřejmě, dobře, rád, ráda, jistě, souhlasím, tak jo",
    "el": "ναι, βεβαίως, βέβαια, φυσικά, σίγουρα, εντάξει, οκ, μάλιστα, αμέ, συμφωνώ, nai",
    "ro": "da, sigur, desigur, bineînțeles, de acord, cu mare plăcere, firește",
    "hu": "igen, persze, rendben, oké, jó, természetesen, hogyne, szívesen, ja",
    "id": "ya, iya, iyah, yoi, boleh, baik, oke, tentu, tentu saja, setuju, mau, saya mau, siap",
    "ko": "네, 넵, 예, 응, 좋아요, 그래요, 물론이죠",
}

NO = {
    "en": "no, n, nope, nah, naw, nay, no way, never, not now, not yet, not today, not really, not at all, im afraid "
    "not, unfortunately not, not for me, not interested, im not interested, no need, no thank you, no thanks, but no, "
    "but no thanks, dont, please dont, i dont, i do not, i dont want, i dont want to, i do not want to, i cant, i "
    "cannot, i can not, i wont, i wouldnt, i didnt, i havent, im not, i am not, we dont, we cant, we wont, we didnt, "
    "we havent, we arent, cant, of course not, certainly not, absolutely not, definitely not, id rather not, i would "
    "rather not, rather not, ill pass, i pass, im out, count me out, hell no, negative, uh uh, nuh uh, better not, "
    "not this time",
    "es": "no, nop, qué va, nunca, jamás, ahora no, hoy no, todavía no, aún no, mejor no, para nada, no quiero, no "
    "puedo, de ninguna manera, claro que no, por supuesto que no, paso, ni hablar, pero no, no no",
    "fr": "non, nan, nan merci, pas maintenant, pas encore, pas du tout, surtout pas, bien sûr que non, jamais, pas "
    "question, mais non, je ne veux pas, je veux pas, je ne peux pas, je peux pas, pas aujourd'hui",
    "de": "nein, nee, nö, ne, lieber nicht, auf keinen fall, keinesfalls, gar nicht, noch nicht, jetzt nicht, nicht "
    "jetzt, heute nicht, leider nicht, natürlich nicht, sicher nicht, ich will nicht, ich kann nicht, niemals, aber "
    "nein",
    "pt": "não, nao, nunca, agora não, ainda não, hoje não, de jeito nenhum, claro que não, não quero, não posso, "
    "melhor não, nada disso, mas não",
    "it": "no, non ora, non ancora, non adesso, certo che no, assolutamente no, mai, per niente, non voglio, non "
    "posso, ma no, meglio di no",
    "nl": "nee, neen, nee hoor, liever niet, nog niet, nu niet, niet nu, zeker niet, natuurlijk niet, nooit, helaas "
    "niet, ik kan niet, ik wil niet, maar nee",
    "pl": "nie, nie chcę, nie mogę, nie teraz, jeszcze nie, raczej nie, na pewno nie, oczywiście że nie, nigdy, nie "
    "dziś",
    "ru": "нет, не, неа, не хочу, не могу, не надо, не сейчас, пока нет, ещё нет, еще нет, конечно нет, не нужно, "
    "никогда, ни за что, нет нет, nyet, но нет, не сегодня",
    "uk": "ні, не хочу, не можу, не треба, не зараз, ще ні, поки ні, поки що ні, звісно ні, ніколи, не потрібно",
    "tr": "hayır, yok, olmaz, istemiyorum, istemem, şimdi değil, henüz değil, tabii ki hayır, kesinlikle hayır, asla",
    "ar": "لا, كلا, لا اريد, لا استطيع, ليس الان, مش الان, ليس بعد, ابدا, طبعا لا, بالطبع لا, لأ",
    "fa": "نه, خیر, نخیر, نمیخوام, نمی خوام, نمی خواهم, نمیخواهم, الان نه, هنوز نه, هرگز, البته که نه",
    "hi": "नहीं, नही, ना, जी नहीं, अभी नहीं, बिल्कुल नहीं, बिलकुल नहीं, कभी नहीं, nahi, nahin, nahii, ji nahi, abhi nahi, "
    "bilkul nahi",
    "zh": "不, 不是, 不是的, 不要, 我不要, 不用, 不用了, 不行, 不可以, 不愿意, 不願意, 我不愿意, 没有, 沒有, 不了, "
    "不好, 不对, 不同意, 算了, 还没, 还没有, 暂时不, 暂时不用, 当然不, 才不",
    "ja": "いいえ, いえ, いや, いやです, いやだ, ううん, だめ, だめです, 無理, 無理です, 嫌です, まだです, 違います, "
    "ちがいます, けっこうです, 結構です, 遠慮します, iie",
    "ca": "no, ara no, encara no, mai, no vull, no puc, és clar que no, i ara, millor no",
    "sv": "nej, nä, näe, nej tack, inte nu, inte än, helst inte, absolut inte, självklart inte, aldrig, inte idag",
    "da": "nej, næ, nej tak, ellers tak, ikke nu, ikke endnu, helst ikke, aldrig, selvfølgelig ikke, ikke i dag",
    "no": "nei, nei takk, ikke nå, ikke ennå, helst ikke, aldri, selvfølgelig ikke, ikke i dag",
    "fi": "ei, ei kiitos, ei nyt, ei vielä, en halua, en voi, ei tietenkään, ei koskaan, ei tänään",
    "cs": "ne, nechci, nemůžu, teď ne, ještě ne, určitě ne, radši ne, raději ne, nikdy, dnes ne, samozřejmě ne",
    "el": "όχι, όχι τώρα, όχι ακόμα, όχι ακόμη, ποτέ, δεν θέλω, δεν μπορώ, φυσικά όχι, βέβαια όχι, oxi, ohi",
    "ro": "nu, nu acum, încă nu, nu vreau, nu pot, niciodată, sigur că nu, bineînțeles că nu, deloc",
    "hu": "nem, még nem, most nem, nem most, inkább nem, soha, nem akarom, nem tudok, persze hogy nem",
    "id": "tidak, nggak, enggak, gak, ngga, tdk, belum, jangan, tidak mau, gak mau, tidak sekarang, tidak bisa, tentu "
    "tidak",
    "ko": "아니요, 아니오, 아뇨, 아니, 싫어요",
}

NEITHER = {
    "en": "please, pls, plz, thanks, thank you, thank you so much, thanks a lot, many thanks, thx, ty, sorry, im "
    "sorry, great, good, cool, nice, perfect, awesome, wonderful, lovely, brilliant, super, excellent, amazing, well, "
    "oh, ah, hmm, hm, um, uh, then, haha, hahaha, hehe, lol, very much, so much, no problem, no worries, hi, hello, "
    "hey, friend, mate, dear, my answer is, i say, it is, unfortunately",
    "es": "por favor, porfa, gracias, muchas gracias, mil gracias, perdón, lo siento, bueno, bien, muy bien, genial, "
    "perfecto, estupendo, jaja, jajaja, hola, no hay problema, sin problema, pues, ay, amigo, amiga",
    "fr": "s'il vous plaît, s'il te plaît, svp, stp, merci, merci beaucoup, désolé, désolée, parfait, super, bien, "
    "très bien, génial, bonjour, salut, pas de problème, pas de souci, alors, eh bien, ben, bah",
    "de": "bitte, bitteschön, danke, danke schön, dankeschön, vielen dank, herzlichen dank, sorry, tut mir leid, "
    "leider, gut, sehr gut, prima, toll, perfekt, hallo, kein problem, also, oh, ach, doch",
    "pt": "obrigado, obrigada, obg, muito obrigado, muito obrigada, desculpa, desculpe, bom, ótimo, perfeito, olá, oi",
    "it": "grazie, grazie mille, molte grazie, per favore, per piacere, scusa, scusi, mi dispiace, bene, perfetto, "
    "ciao",
    "nl": "bedankt, dank je, dankje, dank u, dankjewel, dank je wel, alsjeblieft, alstublieft, aub, helaas, leuk, "
    "hoor, goed, prima, top, geen probleem, hoi, hallo, dank",
    "pl": "dziękuję, dzięki, dziękuję bardzo, wielkie dzięki, proszę, przepraszam, niestety, super, świetnie, cześć",
    "ru": "спасибо, большое спасибо, спасибо большое, пожалуйста, извините, извини, отлично, супер, привет, ой, ну",
    "uk": "дякую, дуже дякую, будь ласка, вибачте, на жаль, чудово, супер, привіт, ой, ну",
    "tr": "teşekkürler, teşekkür ederim, çok teşekkürler, sağ ol, sağol, lütfen, maalesef, harika, süper, merhaba",
    "ar": "شكرا, شكرا لك, شكرا جزيلا, من فضلك, لو سمحت, رجاء, اسف, عذرا, ممتاز, جيد, لا باس, لا مانع, مرحبا",
    "fa": "ممنون, ممنونم, مرسی, متشکرم, خیلی ممنون, لطفا, ببخشید, متاسفم, عالی, خوبه, سلام, سپاس",
    "hi": "धन्यवाद, शुक्रिया, कृपया, माफ़ कीजिए, माफ कीजिए, बहुत धन्यवाद, अच्छा, नमस्ते, dhanyavaad, shukriya, kripya",
    "zh": "谢谢, 謝謝, 谢谢你, 謝謝你, 谢谢您, 多谢, 请, 請, 抱歉, 对不起, 對不起, 不好意思, 太好了, 太棒了, 你好, "
    "哦, 啊, 呀, 吧",
    "ja": "ありがとう, ありがとうございます, どうも, すみません, ごめんなさい, ごめん, です, よ, ね, あの, "
    "こんにちは, いいですね",
    "ca": "gràcies, moltes gràcies, si us plau, sisplau, perdó, ho sento, bé, molt bé, perfecte, mercès, hola",
    "sv": "tack, tack så mycket, snälla, tyvärr, förlåt, bra, perfekt, toppen, hej",
    "da": "mange tak, tusind tak, desværre, undskyld, fint, godt, perfekt, super, hej",
    "no": "takk, tusen takk, mange takk, dessverre, beklager, fint, bra, flott, perfekt, hei",
    "fi": "kiitos, kiitos paljon, kiitti, ole hyvä, valitettavasti, anteeksi, hyvä, hienoa, mahtavaa, hei, moi",
    "cs": "děkuji, děkuju, díky, moc děkuji, prosím, bohužel, promiňte, skvělé, super, výborně, ahoj",
    "el": "ευχαριστώ, ευχαριστώ πολύ, παρακαλώ, συγγνώμη, δυστυχώς, ωραία, τέλεια, καλά, γεια",
    "ro": "mulțumesc, mulțumesc frumos, mersi, te rog, vă rog, scuze, din păcate, bine, perfect, super, salut",
    "hu": "köszönöm, köszi, köszönöm szépen, kérem, kérlek, sajnos, bocsánat, szuper, remek, szia",
    "id": "terima kasih, makasih, trims, tolong, maaf, bagus, halo, dong, kok, deh, sih",
    "ko": "감사합니다, 고마워요, 죄송합니다",
}

GREETINGS = frozenset(
    map(
        words,
        "hi, hello, hey, hiya, hi there, hello there, hey there, good morning, good afternoon, good evening, hola, "
        "buenas, buenos días, buenas tardes, buenas noches, bonjour, bonsoir, salut, coucou, hallo, moin, servus, "
        "grüß dich, guten tag, guten morgen, guten abend, olá, oi, bom dia, boa tarde, boa noite, ciao, salve, "
        "buongiorno, buonasera, hoi, goedendag, goedemorgen, goedenavond, cześć, dzień dobry, dobry wieczór, привет, "
        "здравствуйте, добрый день, привіт, добрий день, merhaba, selam, مرحبا, السلام عليكم, "
        "سلام, नमस्ते, 你好, こんにちは, "
        "hej, hei, ahoj, dobrý den, γεια, γεια σας, bună, bună ziua, szia, halo, 안녕하세요, "
        "bon dia, bona tarda".split(","),
    )
)
"""Whole messages that say hello and nothing else."""

LEANING = {
    "yes?": "i do, i am, i can, i will, i would, i did, i have, it is, it does, we do, we are, we can, we will, we "
    "did, we have, lo es, lo soy, ich bin, je suis, lo quiero, es así, ich kann, ich komme, je peux, puedo",
    "no?": "im good, im fine, im ok, im okay, im all set, i am good, i am fine, estoy bien, ça va aller",
}
"""What agrees or refuses beside a plain word ("yes I am", "no I'm good"); the first kind also when it stands alone."""

YES_SIGNS = "👍👌✅✔☑🆗💯🙋🤝✓"
NO_SIGNS = "👎❌🚫🙅✖⛔✗✘❎🛑"
DOUBT = frozenset("🤔🤷😕🙃😐😑🫤😬❓❔")
"""Faces and signs beside which no yes is sure."""

NEGATIONS = frozenset(
    words(
        "no non não nem not never none nor neither cannot cant dont doesnt didnt wont isnt arent wasnt wouldnt "
        "couldnt shouldnt havent hasnt without except unless nothing nobody nunca jamás sin ningún ninguno ninguna "
        "nada nicht nein nie niemals kein keine keinen ohne pas jamais sans aucun aucune senza mai sem niet geen "
        "nooit zonder bez inte ingen aldrig utan ikke nei nej aldri uden uten ei ilman ne není nu nincs fără tidak "
        "bukan tanpa hayır yok değil не нет ні ніколи никогда без нема δεν όχι χωρίς μη لا ليس بدون مش نه نیست नहीं मत "
        "ना बिना"
    )
)
"""Words that turn a sentence round: near spellings and single words never add one or leave one out."""


def _table() -> dict[tuple[str, ...], str]:
    """Every phrase and what it says. Where languages differ, a refusal beats an agreement, and that beats neither."""
    table: dict[tuple[str, ...], str] = {}
    listed = [("", text) for text in NEITHER.values()] + [("yes", text) for text in YES.values()]
    for meaning, text in [*LEANING.items(), *listed, *(("no", text) for text in NO.values())]:
        table.update({words(phrase): meaning for phrase in text.split(",")})
    return table


PHRASES = _table()
_LONGEST_PHRASE = max(map(len, PHRASES))
_KNOWN = frozenset(word for phrase in PHRASES for word in phrase)
_UNSPACED = {p[0]: m for p, m in PHRASES.items() if len(p) == 1 and "\u2e80" <= p[0][0] <= "\ud7af"}
_SIGNS = dict.fromkeys(YES_SIGNS, "yes") | dict.fromkeys(NO_SIGNS, "no") | dict.fromkeys(DOUBT, "unknown")
_LONGEST_REPLY = 400
_LONGEST_GREETING = 60


def _drawn_out(word: str) -> str:
    """The known word behind one with a letter held down ("yesss"). A pair inside is spelling: "noon" is not "non"."""
    if word in _KNOWN or not re.search(r"(.)\1\1|(.)\2$", word):
        return word
    once = "".join(letter for letter, _ in groupby(word))
    twice = "".join(letter * min(2, len(list(run))) for letter, run in groupby(word))
    return next((known for known in (twice, once) if known in _KNOWN), word)


def _unspaced(word: str) -> list[str]:
    """The meanings inside a word of a script without spaces, longest first."""
    found, at = [], 0
    while at < len(word):
        end = next((end for end in range(min(len(word), at + 12), at, -1) if word[at:end] in _UNSPACED), 0)
        if not end:
            return ["unknown"]
        found.append(_UNSPACED[word[at:end]])
        at = end
    return found


def _meanings(said: tuple[str, ...]) -> list[str]:
    found, at = [], 0
    while at < len(said):
        for end in range(min(len(said), at + _LONGEST_PHRASE), at, -1):
            if said[at:end] in PHRASES:
                found.append(PHRASES[said[at:end]])
                at = end
                break
        else:
            found += _unspaced(said[at])
            at += 1
    return found


def greets(said: str) -> bool:
    """Whether this is a hello and nothing else."""
    return len(said) <= _LONGEST_GREETING and words(tidy(said)) in GREETINGS


def meant(said: str) -> str:
    """ "yes" or "no" where all that is said agrees or all of it refuses (thanks and greetings aside), else "".

    Words that are not known, doubt, a question mark, or both at once mean "": a wrong yes is worse than asking again.
    """
    if len(said) > _LONGEST_REPLY:
        return ""
    text = tidy(said)
    if text in {"+1", "-1"}:
        return "yes" if text == "+1" else "no"
    told = words(re.sub(r"[:;=]-?[dpDP3](?!\w)", " ", text))
    if any(mark in text for mark in "?？؟⁇⁈⁉‽"):
        return ""
    found = set(_meanings(tuple(map(_drawn_out, told))))
    found.update(_SIGNS.get(sign, "") for sign in signs(text))
    for meaning, other in (("yes", "no"), ("no", "yes")):
        if not found & {other, other + "?", "unknown"} and (meaning in found or found == {"yes?"} == {meaning + "?"}):
            return meaning
    return ""
