"""An OpenAPI document into provider documents: a first version that runs, in plain YAML that a person goes on with.

`spec` reads and checks, `paths` finds the resources, `names` names them, `answers` finds rows and pages, `security`
the credentials, `drafts` puts all of it into documents and `writing` on disk. What had to be guessed is a remark.
"""
