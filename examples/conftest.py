pytest_plugins = ["blogsvc.testing"]
