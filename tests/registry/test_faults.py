"""What is wrong with a document: each fault with its file, its pointer and a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from provider_registry.catalog import Catalog
from provider_registry.documents import read_provider, read_service
from provider_registry.faults import BadDocument, Fault
from provider_registry.nodes import Library, pointer_text, walk
from tests.registry import shop
from tests.registry.shop import (
    ADD,
    ADDED,
    ANSWER,
    BODY,
    DROP,
    GET,
    ITEM,
    ITEMS,
    LIST,
    LISTED,
    ONE,
    PAGES,
    PROVIDER,
    STOCK,
)

DATA = f"{LISTED}/responses/200/content/application~1json/schema/properties/data"
SELECT = f"{ITEMS}/sqlVerbs/select"

# id, edits of the service, pointer, sentence (a part of it)
ERRORS: list[tuple[str, shop.Edits, str, str]] = [
    ("no resources", {"/components/x-stackQL-resources": None}, "/components/x-stackQL-resources",
     "a service has resources"),
    ("no methods", {f"{ITEMS}/methods": None, f"{ITEMS}/sqlVerbs": None}, ITEMS, "a resource has methods"),
    ("no operation", {f"{LIST}/operation": None}, f"{LIST}/operation",
     "a method has an operation: a $ref to a path and an HTTP verb, #/paths/~1images/get"),
    ("operation of a missing path", {f"{LIST}/operation/$ref": "'#/paths/~1itms/get'"}, f"{LIST}/operation/$ref",
     "#/paths/~1itms/get leads nowhere: there is no '/itms'; did you mean '/items'?"),
    ("operation of a missing verb", {f"{LIST}/operation/$ref": "'#/paths/~1items/gett'"}, f"{LIST}/operation/$ref",
     "there is no 'gett'; did you mean 'get'?"),
    ("operation that is none", {f"{GET}/operation/$ref": f"'#{ONE}/parameters'"}, f"{GET}/operation/$ref",
     "is no path and HTTP verb"),
    ("reference to nothing", {f"{DATA}/items/$ref": "'#/components/schemas/Itm'"}, f"{DATA}/items/$ref",
     "#/components/schemas/Itm leads nowhere: there is no 'Itm'; did you mean 'Item'?"),
    ("reference to a missing file", {f"{DATA}/items/$ref": "other.yaml#/x"}, f"{DATA}/items/$ref",
     "there is no file other.yaml"),
    ("reference beyond the folder", {f"{DATA}/items/$ref": "../../../secret.yaml#/x"}, f"{DATA}/items/$ref",
     "../../../secret.yaml is outside the folder"),
    ("reference to an address", {f"{DATA}/items/$ref": "https://elsewhere.example/x.yaml#/x"}, f"{DATA}/items/$ref",
     "https://elsewhere.example/x.yaml is an address: documents refer only to files beside them"),
    ("reference to itself", {"/components/schemas/Loop": "{$ref: '#/components/schemas/Loop'}",
                             f"{DATA}/items/$ref": "'#/components/schemas/Loop'"}, "/components/schemas/Loop/$ref",
     "#/components/schemas/Loop refers to itself"),
    ("allOf in a circle", {f"{ITEM}/allOf": "[{$ref: '#/components/schemas/Item'}]"}, ITEM,
     "allOf, anyOf and oneOf lead in a circle"),
    ("unknown verb", {f"{ITEMS}/sqlVerbs/selct": "[]"}, f"{ITEMS}/sqlVerbs/selct",
     "there is no verb 'selct'; did you mean 'select'?"),
    ("verb of an unknown method", {f"{SELECT}/0/$ref": f"'#{ITEMS}/methods/get_itm'"}, f"{SELECT}/0/$ref",
     "there is no method 'get_itm' in this resource; did you mean 'get_item'?"),
    ("verb without a reference", {f"{SELECT}/0": "get_item"}, f"{SELECT}/0",
     "an entry is a $ref to a method of this resource"),
    ("two selects that need the same", {f"{SELECT}/1/$ref": f"'#{DROP}'"}, DROP,
     "both serve select and need the same parameters (itemId): drop_item would never be called"),
    ("unknown type", {f"{ITEM}/properties/price/type": "numbr"}, f"{ITEM}/properties/price/type",
     "there is no type 'numbr'; did you mean 'number'?"),
    ("type that is no name", {f"{ITEM}/properties/price/type": "{a: b}"}, f"{ITEM}/properties/price/type",
     "must be text, got a mapping"),
    ("bound that is no number", {f"{ITEM}/properties/name/maxLength": "long"}, f"{ITEM}/properties/name/maxLength",
     "must be a whole number, got 'long'"),
    ("bound that is a boolean", {f"{LISTED}/parameters/1/schema/minimum": "true"},
     f"{LISTED}/parameters/1/schema/minimum", "must be a number, got true"),
    ("placeholder without a parameter", {f"{ONE}/parameters": "[]"}, ONE,
     "the path has {itemId}, but there is no path parameter of that name"),
    ("parameter without a place", {f"{LISTED}/parameters/0/in": None}, f"{LISTED}/parameters/0",
     "a parameter has a name and a place: in is path, query or header"),
    ("parameter in a wrong place", {f"{LISTED}/parameters/0/in": "querry"}, f"{LISTED}/parameters/0/in",
     "a parameter cannot be in 'querry'; did you mean 'query'?"),
    ("parameters that are no list", {f"{LISTED}/parameters": "page"}, f"{LISTED}/parameters",
     "must be a list, got 'page'"),
    ("parameter that is no mapping", {f"{LISTED}/parameters/0": "page"}, f"{LISTED}/parameters/0",
     "a parameter has a name and a place"),
    ("flag that is none", {f"{LISTED}/parameters/0/required": "'yes'"}, f"{LISTED}/parameters/0/required",
     "must be true or false, got 'yes'"),
    ("key of a missing column", {f"{ONE}/parameters/0/x-stratoql-key": "idd"}, f"{ONE}/parameters/0/x-stratoql-key",
     "the rows of items have no column 'idd'; did you mean 'id'?"),
    ("filter on a missing column", {f"{LIST}/x-stratoql-filtering": "{columns: {prize: {exact: ['=']}}}"},
     f"{LIST}/x-stratoql-filtering/columns/prize", "the rows have no column 'prize'; did you mean 'price'?"),
    ("what can be written by a missing column", {f"{DROP}/x-stratoql-writable": "{prize: 5}"},
     f"{DROP}/x-stratoql-writable/prize", "the rows of items have no column 'prize'; did you mean 'price'?"),
    ("what can be written by a list", {f"{DROP}/x-stratoql-writable": "{price: [5]}"},
     f"{DROP}/x-stratoql-writable/price", "expects a text, a number, true or false"),
    ("what can be written by a read", {f"{LIST}/x-stratoql-writable": "{price: 5}"},
     f"{LIST}/x-stratoql-writable", "a method that reads writes nothing"),
    ("what is listed bare by a missing column", {f"{LIST}/x-stratoql-bare": "{prize: 5}"},
     f"{LIST}/x-stratoql-bare/prize", "the rows of items have no column 'prize'; did you mean 'price'?"),
    ("what is listed bare by a write", {f"{DROP}/x-stratoql-bare": "{price: 5}"},
     f"{DROP}/x-stratoql-bare", "a method that writes lists nothing"),
    ("filter with an unknown operator", {f"{LIST}/x-stratoql-filtering": "{columns: {price: {exact: [IN, in]}}}"},
     f"{LIST}/x-stratoql-filtering/columns/price/exact/1", "there is no operator 'in'"),
    ("operator twice", {f"{LIST}/x-stratoql-filtering": "{columns: {price: {exact: [IN], inexact: [IN]}}}"},
     f"{LIST}/x-stratoql-filtering/columns/price/inexact/0", "IN cannot be exact and inexact"),
    ("unknown filtering", {f"{LIST}/x-stratoql-filtering": "{algorithm: odata}"},
     f"{LIST}/x-stratoql-filtering/algorithm", "there is no filtering 'odata'; known here: x_filter"),
    ("limit without requests", {f"{LIST}/config": "{x-stratoql-limit: {name: n}}"}, f"{LIST}/config/x-stratoql-limit",
     "a limit has a name, a number of requests and the seconds they are counted in"),
    ("no attempts", {"/x-stackQL-config/retry": "{max_attempts: 0}"}, "/x-stackQL-config/retry/max_attempts",
     "must be at least 1, got 0"),
    ("time that runs backwards", {"/x-stackQL-config/retry": "{max_delay_ms: -1}"},
     "/x-stackQL-config/retry/max_delay_ms", "must be at least 0, got -1"),
    ("unknown pagination", {f"{PAGES}/algorithm": "page_numbers"}, f"{PAGES}/algorithm",
     "there is no pagination 'page_numbers'; did you mean 'page_number'?"),
    ("page size of a missing parameter", {f"{PAGES}/x-stratoql-page-size": "sise"}, f"{PAGES}/x-stratoql-page-size",
     "there is no parameter 'sise'; did you mean 'size'?"),
    ("page size without a maximum", {f"{PAGES}/x-stratoql-page-size": "page"}, f"{PAGES}/x-stratoql-page-size",
     "the parameter 'page' has no maximum, so no size can be chosen"),
    ("total that is no path", {f"{PAGES}/x-stratoql-total": "/results"}, f"{PAGES}/x-stratoql-total",
     "'/results' is not a path into the body such as $.pages"),
    ("token in a wrong place", {f"{PAGES}/requestToken/location": "cookie"}, f"{PAGES}/requestToken/location",
     "there is no place 'cookie'; known here: query, header, body"),
    ("unknown algorithm of the body", {f"{ADD}/config": "{requestBodyTranslate: {algorithm: naiv}}"},
     f"{ADD}/config/requestBodyTranslate/algorithm", "there is no algorithm 'naiv'; did you mean 'naive'?"),
    ("naive below nothing", {f"{ADD}/config": "{requestBodyTranslate: {algorithm: naive_spec}}"}, ITEM,
     "the body has no attribute 'spec' for naive_spec"),
    ("response that is no mapping", {f"{LIST}/response": "$.data"}, f"{LIST}/response",
     "must be a mapping, got '$.data'"),
    ("object key that is no path", {f"{LIST}/response/objectKey": "$.data[0]"}, f"{LIST}/response/objectKey",
     "'$.data[0]' is not read here: an object key is a path such as $.data"),
    ("no server", {"/servers": None}, LIST, "no server: neither the method nor its document names one in servers"),
    ("server that is no address", {"/servers/0/url": "/api"}, "/servers/0/url",
     "the address of a server begins with https://, got '/api'"),
    ("server with an unknown variable", {"/servers/0/url": "https://{regio}.shop.example"}, "/servers/0/url",
     "the address has {regio}, but there is no variable of that name"),
    ("default beyond its values", {"/servers/0/variables/region/default": "asia"},
     "/servers/0/variables/region/default", "the default 'asia' is not among the values of enum"),
    ("unknown key of ours", {f"{LIST}/x-stratoql-filterng": "{}"}, f"{LIST}/x-stratoql-filterng",
     "there is no key 'x-stratoql-filterng'; did you mean 'x-stratoql-filtering'?"),
    ("key of ours in another case", {f"{LIST}/x-StratoQL-filtering": "{}"}, f"{LIST}/x-StratoQL-filtering",
     "there is no key 'x-StratoQL-filtering'"),
]  # fmt: skip

WARNINGS: list[tuple[str, shop.Edits, str, str]] = [
    ("reference that nothing follows", {"/components/responses": "{Bad: {$ref: '#/components/responses/Gone'}}"},
     "/components/responses/Bad/$ref", "leads nowhere: there is no 'Gone'"),
    ("object key that the schema does not have", {f"{LIST}/response/objectKey": "$.rows"},
     f"{LIST}/response/objectKey", "the answer's schema has no $.rows: the columns are unknown"),
    ("object key of XML", {f"{LIST}/response/objectKey": "/Response/Items"}, f"{LIST}/response/objectKey",
     "'/Response/Items' is not read here: an object key is a path such as $.data"),
    ("answer that is not declared", {f"{DROP}/response/openAPIDocKey": "'200'"}, f"{DROP}/response/openAPIDocKey",
     "the operation has no response '200'"),
    ("path parameter without a placeholder",
     {f"{LISTED}/parameters/2": "{name: other, in: path, required: true}"}, f"{LISTED}/parameters/2",
     "the path has no {other}, so this parameter is left out"),
    ("two inputs of one name", {f"{LISTED}/parameters/2": "{name: Region, in: query}"}, "/servers/0/variables/region",
     "region is the name of another input: in SQL this one is server__region"),
    ("cookie", {f"{LISTED}/parameters/2": "{name: c, in: cookie}"}, f"{LISTED}/parameters/2",
     "the cookie c is not sent"),
    ("pattern of another language", {f"{ITEM}/properties/name/pattern": "'(?<n>x)'"},
     f"{ITEM}/properties/name/pattern", "the pattern cannot be checked here: "),
    ("body that is no object", {BODY: "{type: array}"}, BODY, "the body is no object: only EXEC with @@json"),
    ("what is not honoured yet", {f"{LIST}/response/projection_map": "{}"}, f"{LIST}/response/projection_map",
     "projection_map is not honoured yet"),
    ("what is not spoken", {f"{LIST}/response/transform": "{type: x}"}, LIST,
     "its response is rewritten by a template (x), which is not supported: it cannot be called"),
    ("a translation nobody knows", {f"{LIST}/config": "{requestTranslate: {algorithm: rot13}}"}, LIST,
     "its request is translated by 'rot13', which is not supported"),
    ("a transposition nobody knows", {f"{LIST}/config": "{queryParamTranspose: {algorithm: rot13}}"}, LIST,
     "its query is transposed by 'rot13', which is not supported"),
    ("asked in XML", {f"{ADD}/request": "{mediaType: application/xml}"}, ADD, "it is asked in XML"),
    ("an input that is none", {f"{ADD}/parameters": "{colour: red}"}, f"{ADD}/parameters/colour",
     "the method has no input 'colour'"),
    ("options in another syntax", {f"{LIST}/config": "{queryParamPushdown: {orderBy: {paramName: sort}}}"},
     f"{LIST}/config/queryParamPushdown/orderBy", "the syntax 'of the API' is not honoured: it stays local"),
    ("an operator nobody knows",
     {f"{LIST}/config": "{queryParamPushdown: {filter: {dialect: odata, supportedOperators: [eqq]}}}"},
     f"{LIST}/config/queryParamPushdown/filter/supportedOperators/0", "no operator 'eqq'; did you mean 'eq'?"),
    ("a view for another database", {f"{ITEMS}/config": "{views: {select: {predicate: 'sqlDialect == \"postgres\"', "
     "ddl: SELECT 1}}}"}, f"{ITEMS}/config/views/select", "no form of this view is for SQLite"),
    ("secret in the document", {f"{LIST}/config": "{auth: {type: basic, password: x, credentialsenvvar: B}}"},
     f"{LIST}/config/auth/password", "a secret in a document is not read: name an environment variable"),
]  # fmt: skip

# id, edits of the provider, pointer, sentence
PROVIDER_ERRORS: list[tuple[str, shop.Edits, str, str]] = [
    ("no name", {"/name": None}, "", "the key name is missing"),
    ("no services", {"/providerServices": None}, "", "the key providerServices is missing"),
    ("service without a document", {"/providerServices/stock/service": "stock.yaml"},
     "/providerServices/stock/service", "a service has service.$ref, the path of its document"),
    ("document of a service elsewhere", {"/providerServices/stock/service/$ref": "../../etc/passwd"},
     "/providerServices/stock/service/$ref", "../../etc/passwd is outside the folder"),
    ("unknown auth", {"/config/auth/type": "beerer"}, "/config/auth/type",
     "there is no auth type 'beerer'; did you mean 'bearer'?"),
    ("auth without a place of the secret", {"/config/auth/credentialsenvvar": None}, "/config/auth",
     "no place to find the secret: name a variable with credentialsenvvar"),
    ("secret in a wrong place", {"/config/auth/location": "body"}, "/config/auth/location",
     "a secret travels in a header or the query, not in 'body'"),
    ("credential of two places", {"/config/auth/x-stratoql-credentials": "[{env: A, ini: b}]"},
     "/config/auth/x-stratoql-credentials/0", "a credential is either env, a variable, or ini, a file"),
    ("oauth2 without a token", {"/config/auth": "{type: oauth2, client_secret_env_var: S}"}, "/config/auth",
     "oauth2 needs token_url and client_id_env_var"),
    ("unknown key of ours", {"/config/x-stratoql-limits": "{}"}, "/config/x-stratoql-limits",
     "there is no key 'x-stratoql-limits'; did you mean 'x-stratoql-limit'?"),
]  # fmt: skip


def at(found: list[Fault], pointer: str, severity: str) -> list[str]:
    return [f.message for f in found if f.pointer == pointer and f.severity == severity]


@pytest.mark.parametrize(("edits", "pointer", "sentence"), [e[1:] for e in ERRORS], ids=[e[0] for e in ERRORS])
def test_an_error_is_told_where_it_stands(edits: shop.Edits, pointer: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("x: {}")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "secret.yaml").write_text("x: {}")
    root = shop.write(tmp_path, shop.edited(STOCK, edits))
    told = at(shop.faults(root), pointer, "error")
    assert any(sentence in message for message in told), (told, shop.faults(root))
    with pytest.raises(BadDocument) as bad:
        Catalog([root]).service("shop", "stock")
    assert {fault.severity for fault in bad.value.faults} == {"error"}
    assert all(Path(fault.file).name == "stock.yaml" for fault in bad.value.faults)


@pytest.mark.parametrize(("edits", "pointer", "sentence"), [w[1:] for w in WARNINGS], ids=[w[0] for w in WARNINGS])
def test_a_warning_keeps_no_document_from_use(edits: shop.Edits, pointer: str, sentence: str, tmp_path: Path) -> None:
    root = shop.write(tmp_path, shop.edited(STOCK, edits))
    told = at(shop.faults(root), pointer, "warning")
    assert any(sentence in message for message in told), (told, shop.faults(root))
    Catalog([root]).service("shop", "stock")


@pytest.mark.parametrize(
    ("edits", "pointer", "sentence"), [e[1:] for e in PROVIDER_ERRORS], ids=[e[0] for e in PROVIDER_ERRORS]
)
def test_an_error_of_a_provider_is_told(edits: shop.Edits, pointer: str, sentence: str, tmp_path: Path) -> None:
    root = shop.write(tmp_path, provider=shop.edited(PROVIDER, edits))
    told = at(shop.faults(root), pointer, "error")
    assert any(sentence in message for message in told), (told, shop.faults(root))


def test_a_provider_is_called_what_its_folder_is(tmp_path: Path) -> None:
    root = shop.write(tmp_path, provider=PROVIDER.replace("name: shop\n", "name: store\n"))
    assert Catalog([root]).provider("shop").name == "shop"
    assert at(shop.faults(root), "/name", "warning") == ["in this folder it is called 'shop', not 'store'"]
    alone = tmp_path / "alone" / "provider.yaml"
    alone.parent.mkdir()
    alone.write_text(PROVIDER)
    assert read_provider(alone).value.name == "shop"


def test_a_missing_document_of_one_service_leaves_the_others(tmp_path: Path) -> None:
    edits = {"/providerServices/gone": "{service: {$ref: shop/v1.0.0/services/gone.yaml}}"}
    root = shop.write(tmp_path, provider=shop.edited(PROVIDER, edits))
    catalog = Catalog([root])
    assert catalog.service("shop", "stock").name == "stock"
    with pytest.raises(BadDocument, match=r"services/gone\.yaml#: cannot be read: No such file"):
        catalog.service("shop", "gone")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: [1", "line 2: not YAML: "),
        ("a: 1\na: 2\n", "line 2: the key 'a' stands twice"),
        ("a: 1\n---\nb: 2\n", "line 2: not YAML: "),
        ("\n\ta: 1", "line 2: not YAML: "),
        ("a: &a [*a]", "an alias leads back to where it stands"),
        ("[" * 300 + "]" * 300, "it nests more than 250 levels deep"),
        ("", "the document is empty"),
        ("a", "must be a mapping, got 'a'"),
    ],
)
def test_what_is_not_yaml_is_told_with_its_line(text: str, sentence: str, tmp_path: Path) -> None:
    root = shop.write(tmp_path, stock=text)
    with pytest.raises(BadDocument) as bad:
        Catalog([root]).service("shop", "stock")
    assert sentence in str(bad.value)
    assert all(f.file == str(root / "src/shop/v1.0.0/services/stock.yaml") for f in bad.value.faults)


def test_all_errors_are_told_together(tmp_path: Path) -> None:
    edits = {
        f"{SELECT}/0/$ref": f"'#{ITEMS}/methods/nothing'",
        f"{ITEM}/properties/price/type": "numbr",
        "/servers/0/url": "ftp://shop.example",
        f"{ADDED}/parameters": "[{in: query}]",
        ANSWER: "{$ref: '#/components/schemas/Gone'}",
    }
    root = shop.write(tmp_path, shop.edited(STOCK, edits))
    with pytest.raises(BadDocument) as bad:
        Catalog([root]).service("shop", "stock")
    pointers = {fault.pointer for fault in bad.value.faults}
    assert {
        f"{SELECT}/0/$ref",
        f"{ITEM}/properties/price/type",
        "/servers/0/url",
        f"{ADDED}/parameters/0",
        f"{ANSWER}/$ref",
    } <= pointers
    assert str(bad.value).count("\n") == len(bad.value.faults) - 1


def test_a_fault_names_its_file_and_pointer() -> None:
    fault = Fault("stock.yaml", "/servers/0/url", "the address of a server begins with https://")
    assert str(fault) == "stock.yaml#/servers/0/url: the address of a server begins with https://"


ODD = ("3", "text", "[]", "[1, [2]]", "{}", "{a: {b: c}}", "null", "true", "1.5", "{$ref: 3}", "{$ref: '#'}")


@pytest.mark.parametrize("turn", range(2))
def test_nothing_that_yaml_can_say_is_beyond_telling(turn: int, tmp_path: Path) -> None:
    """Each value of the document is replaced by something odd: faults or none, but never a traceback."""
    root = shop.write(tmp_path)
    file = root / "src/shop/v1.0.0/services/stock.yaml"
    ref = Catalog([root]).provider("shop").services["stock"]
    places = [(*node.pointer, key) for node in walk(Library(file.parent).open(file)) for key in node.value]
    assert len(places) > 100
    for index, place in enumerate(places[turn::2]):
        odd = ODD[index % len(ODD)]
        shop.write(tmp_path, shop.edited(STOCK, {pointer_text(place): odd}))
        reading = read_service(ref)
        assert all(fault.message and fault.file for fault in reading.faults), (place, odd)
