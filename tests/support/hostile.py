"""Texts that have broken filters, patterns and arrays elsewhere. Each is one value, and must stay one."""

HOSTILE_TEXTS = [
    *("", " ", "  two  ", "\t", "\n", "\r\n", "a\nb", "null", "NULL", "true", "undefined", "0", "-1", "1e3", "NaN"),
    *("'", '"', "`", "\\", "\\\\", "''", '""', "\\'", '\\"', "a'b", 'a"b', "a\\b", "$1", "$$", "%s", "{}", "{0}"),
    *(",", ".", ":", "(", ")", "()", "a,b", "a.b", "a:b", "(a)", "eq.a", "not.eq.a", "in.(a,b)", "or(a.eq.1)"),
    *("%", "_", "*", "a%", "%a", "a_b", "a*b", "**", "\\%", "\\_", "\\*", "%%", "[a]", "[^a]", "^a", "a$", "a|b"),
    *("a+b", "a?b", "a{2}", ".*", "\\d", "\\w", "\\m", "(?i)a", "***:a", "***=a", "a&b", "a=b", "a;b", "a#b", "a/b"),
    *("?a=b", "&select=*", "%00", "%2C", "%25", "+", "a b", "a%20b", "é", "ß", "İ", "ſ", "K", "中文", "\U0001f600"),
    *("e\u0301", "\u200b", "\u202e", "\u2028", "\ufeff", "\x7f", "\x01", "'; drop table specimens; --", "1 or 1=1"),
    *("') or ('1'='1", '"),words.neq.("', "a),or=(words.is.null", "}{", '{"a":1}', "{a,b}", "\\N", "--", "/*", "*/"),
]
