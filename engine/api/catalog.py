"""What there is to call, for tools: typed, documented, read when it is asked for."""

from __future__ import annotations

from engine.errors import Misuse, Span
from engine.language.statements import Name
from engine.planner.names import Names
from provider_registry.model import Column, Method, Provider, Resource, Service

_NOWHERE = Span(0, 0)


class Catalog:
    """Providers, their services, those's resources, their methods and columns; names are dotted, as in SQL.

    Every method raises UnknownName, with the names that would have been valid, and DocumentError for a document
    with faults.

    >>> import engine
    >>> with engine.connect(sandbox=True) as connection:
    ...     catalog = connection.catalog
    ...     [method.name for method in catalog.methods("linode.images.images")][:2]
    ...     catalog.method("linode.images.images.post_image").required[0].name
    ['get_image', 'get_images']
    'data__disk_id'
    """

    def __init__(self, names: Names) -> None:
        self._names = names

    def providers(self) -> list[Provider]:
        """All providers, by name.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     [provider.name for provider in connection.catalog.providers()]
        ['linode']
        """
        return self._names.catalog.providers()

    def services(self, provider: str) -> list[Service]:
        """The services of a provider: `linode`.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     'images' in [service.name for service in connection.catalog.services('linode')]
        True
        """
        found = self._names.provider_of(_name(provider))
        return [self._names.service(Name((found.name, name), _NOWHERE))[1] for name in found.services]

    def resources(self, service: str) -> list[Resource]:
        """The resources of a service: `linode.images`.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     [resource.name for resource in connection.catalog.resources('linode.images')][:1]
        ['images']
        """
        return list(self._names.service(_name(service))[1].resources.values())

    def resource(self, resource: str) -> Resource:
        """One resource: `linode.images.images`.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.catalog.resource('linode.images.images').name
        'images'
        """
        return self._names.resource(_name(resource))[1]

    def methods(self, resource: str) -> list[Method]:
        """The methods of a resource, with their parameters: `linode.images.images`.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     [method.http for method in connection.catalog.methods('linode.images.images')][:2]
        ['GET', 'GET']
        """
        return list(self.resource(resource).methods.values())

    def method(self, method: str) -> Method:
        """One method: `linode.images.images.post_image`.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     method = connection.catalog.method('linode.images.images.delete_image')
        ...     method.http, method.path, method.required[0].name
        ('DELETE', '/images/{imageId}', 'imageId')
        """
        return self._names.method(_name(method))[2]

    def columns(self, resource: str) -> list[Column]:
        """What can be selected from a resource; none where nothing selects from it.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     column = connection.catalog.columns('linode.images.images')[0]
        ...     column.name, column.shape.type
        ('id', 'string')
        """
        return list(self.resource(resource).columns)


def _name(text: str) -> Name:
    if not isinstance(text, str):
        raise Misuse(f"a name is text, not a {type(text).__name__}", hint="linode.images.images is one")
    return Name(tuple(text.split(".")), _NOWHERE)
