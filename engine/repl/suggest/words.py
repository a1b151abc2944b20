"""The words of the language, by where they may stand, and its functions with their signatures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from inspect import getdoc, signature

from engine.functions import FUNCTIONS

# What a statement begins with, and what it does.
VERBS: Mapping[str, str] = {
    "SELECT": "rows of any query",
    "INSERT INTO": "create, one call a row",
    "REPLACE": "change the rows that a WHERE keeps",
    "UPDATE": "change, where a resource has it",
    "DELETE FROM": "delete the rows that a WHERE keeps",
    "EXEC": "call a method",
    "SHOW": "list providers, services, resources, methods",
    "DESCRIBE": "columns of a resource",
    "EXPLAIN": "what would be sent; nothing is",
    "WITH": "a query with names for its parts",
    "VALUES": "rows written out",
    "USE": "a provider for names of two parts",
    "REGISTRY": "list or pull provider documents",
}

# What a comment that begins with a plus may ask for.
HINTS: Mapping[str, str] = {
    "AWAIT": "return when what it begins is done",
    "AWAIT(timeout=30m)": "the same, for so long at most",
    "MAX_WRITES(100)": "let this statement write so many rows",
}

_OPERATORS = ("AND", "OR", "=", "<>", "<", ">", "<=", ">=", "IN (", "NOT IN (", "LIKE", "GLOB", "REGEXP", "BETWEEN")
_TESTS = ("IS NULL", "IS NOT NULL", "NOT LIKE", "COLLATE NOCASE", "||")
_TAIL = ("GROUP BY", "HAVING", "ORDER BY", "LIMIT", "UNION", "UNION ALL", "EXCEPT", "INTERSECT")
_JOINS = ("JOIN", "LEFT JOIN", "CROSS JOIN", "NATURAL JOIN")
_PREDICATE = (*_OPERATORS, *_TESTS)

# By clause, what may follow something that is whole there: a table in FROM, an operand in WHERE.
FOLLOWING: Mapping[str, tuple[str, ...]] = {
    "SELECT": ("FROM", "AS", "||", "OVER (", "FILTER (WHERE", "THEN", "ELSE", "END", *_OPERATORS, *_TESTS, *_TAIL),
    "FROM": ("WHERE", *_JOINS, "ON", "AS", "USING (", *_TAIL),
    "JOIN": ("ON", "USING (", "AS", "WHERE", *_JOINS, *_TAIL),
    "USING": ("WHERE", *_JOINS, *_TAIL),
    "ON": (*_PREDICATE, "WHERE", *_JOINS, *_TAIL),
    "WHERE": (*_PREDICATE, *_TAIL, "RETURNING"),
    "GROUP": ("HAVING", "ORDER BY", "LIMIT"),
    "HAVING": (*_PREDICATE, "ORDER BY", "LIMIT"),
    "ORDER": ("ASC", "DESC", "NULLS FIRST", "NULLS LAST", "COLLATE NOCASE", "LIMIT"),
    "LIMIT": ("OFFSET", "UNION ALL"),
    "INTO": ("VALUES (", "SELECT", "WITH"),
    "VALUES": ("RETURNING",),
    "SET": ("WHERE", "RETURNING", "||", "AS"),
    "UPDATE": ("SET", "AS"),
    "REPLACE": ("SET", "AS"),
    "DELETE": ("WHERE", "AS"),
    "RETURNING": ("AS", "||"),
    "WITH": ("AS (", "SELECT", "INSERT INTO", "REPLACE", "UPDATE", "DELETE FROM"),
    "SHOW": ("PROVIDERS", "SERVICES IN", "RESOURCES IN", "METHODS IN", "EXTENDED"),
    "EXTENDED": ("SERVICES IN", "RESOURCES IN", "METHODS IN"),
    "IN": ("LIKE", "WHERE"),
    "REGISTRY": ("LIST", "PULL"),
}

# By clause, what may stand where an operand is expected.
STARTING: Mapping[str, tuple[str, ...]] = {
    "SELECT": ("DISTINCT", "*", "CASE WHEN", "NULL", "NOT", "EXISTS (", "CAST("),
    "FROM": ("(SELECT", "(EXEC", "(SHOW", "(DESCRIBE"),
    "JOIN": ("(SELECT", "(EXEC", "(SHOW", "(DESCRIBE"),
    "ON": ("NOT", "NULL", "EXISTS ("),
    "WHERE": ("NOT", "NULL", "EXISTS (", "CASE WHEN", "true", "false", "CAST("),
    "HAVING": ("NOT", "NULL", "CASE WHEN"),
    "GROUP": ("CASE WHEN",),
    "ORDER": ("CASE WHEN",),
    "SET": ("NULL", "true", "false", "CASE WHEN"),
    "VALUES": ("NULL", "true", "false"),
    "RETURNING": ("*",),
    "DESCRIBE": ("EXTENDED", "METHOD", "METHOD EXTENDED"),
    "EXPLAIN": ("ANALYZE", "(ROWS)"),
}

_RESERVED = """
ALL ANALYZE AND AS ASC BETWEEN BY CASE CAST COLLATE CROSS DELETE DESC DESCRIBE DISTINCT ELSE END ESCAPE EXCEPT EXEC
EXISTS EXPLAIN EXTENDED FALSE FILTER FIRST FROM FULL GLOB GROUP HAVING IN INNER INSERT INTERSECT INTO IS ISNULL JOIN
LAST LEFT LIKE LIMIT METHOD METHODS NATURAL NOT NOTNULL NULL NULLS OFFSET ON OR ORDER OUTER OVER PARTITION PROVIDERS
RECURSIVE REGEXP REPLACE RESOURCES RETURNING RIGHT SELECT SERVICES SET SHOW THEN TRUE UNION UPDATE USE USING VALUES
WHEN WHERE WINDOW WITH
"""
# Words that can be no alias of the table before them, and that highlighting shows as words of the language.
RESERVED = frozenset(_RESERVED.split())

# SQLite's functions: what they take, what they give.
_SQLITE = """
abs(x): without its sign
changes(): rows changed last
char(x, ...): text of code points
coalesce(x, y, ...): the first that is not NULL
concat(x, ...): all as one text
date(time, modifier, ...): 2024-03-05
datetime(time, modifier, ...): 2024-03-05 09:30:00
format(pattern, x, ...): as printf
glob(pattern, x): x GLOB pattern
hex(x): in hexadecimal digits
ifnull(x, y): y where x is NULL
iif(condition, x, y): x where true, else y
instr(text, piece): where the piece stands, from 1
json(x): checked and without white space
json_array(x, ...): an array of these
json_array_length(json, path): how many elements
json_each(json, path): a table of its members: key, value
json_extract(json, path, ...): what stands there
json_group_array(x): aggregate: an array of all
json_group_object(name, x): aggregate: an object of all
json_insert(json, path, x, ...): with more in it
json_object(name, x, ...): an object of these
json_patch(json, patch): merged
json_quote(x): as JSON
json_remove(json, path, ...): without these
json_replace(json, path, x, ...): with others in their place
json_set(json, path, x, ...): with these in it
json_tree(json, path): a table of everything in it
json_type(json, path): object, array, text, ...
json_valid(x): whether it is JSON
julianday(time, modifier, ...): days, for differences
length(x): in characters
like(pattern, x): x LIKE pattern
lower(text): in small letters
ltrim(text, characters): without these in front
max(x, ...): the greatest; with one argument an aggregate
min(x, ...): the least; with one argument an aggregate
nullif(x, y): NULL where both are the same
printf(pattern, x, ...): formatted
quote(x): as an SQL literal
random(): any integer
replace(text, piece, other): every piece by the other
round(x, digits): rounded
rtrim(text, characters): without these at the end
sign(x): -1, 0 or 1
strftime(pattern, time, modifier, ...): a time in any form
substr(text, start, length): a part, from 1
sum(x): aggregate
total(x): aggregate; 0.0 of nothing
avg(x): aggregate: the mean
count(x): aggregate: how many are not NULL
group_concat(x, separator): aggregate: one text of all
time(time, modifier, ...): 09:30:00
trim(text, characters): without these around it
typeof(x): null, integer, real, text, blob
unicode(x): the code point of its first character
unixepoch(time, modifier, ...): seconds since 1970
upper(text): in capitals
row_number(): window: 1, 2, 3, ...
rank(): window: with gaps after equals
dense_rank(): window: without gaps
lag(x, n, default): window: of the n-th row before
lead(x, n, default): window: of the n-th row after
first_value(x): window: of the frame's first row
last_value(x): window: of the frame's last row
ntile(n): window: the number of its n-th part
"""
TABLE_FUNCTIONS = frozenset({"json_each", "json_tree"})


@cache
def functions() -> Mapping[str, tuple[str, str]]:
    """Signature and meaning by name, ours among SQLite's.

    >>> functions()["split_part"][0], functions()["upper"]
    ('split_part(text, separator, number)', ('upper(text)', 'in capitals'))
    """
    found = {}
    for line in _SQLITE.strip().splitlines():
        shown, _, what = line.partition("): ")
        found[shown.partition("(")[0]] = (f"{shown})", what)
    for name, _, function in FUNCTIONS:
        taken = ", ".join(signature(function).parameters)
        found[name] = (f"{name}({taken})", (getdoc(function) or "").partition("\n")[0].rstrip("."))
    return dict(sorted(found.items()))
