"""What Tortoise's own migrations look for in a package with models: here, a state and no table.

A host's `tortoise makemigrations` finds nothing to write here, and its own migrations can depend on
`blogsvc.Post`. The table is made by our migrations for Aerich, which are beside this file in an
installed package, and in `migrations/` in a checkout.
"""
