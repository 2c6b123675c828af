"""What is new in the search index stands on a list of 256 kB at most, instead of 4 MB.

PostgreSQL keeps such a list so that a write need not sort its words into the index at once. Every
search reads all of the list, and when it is full, one writer sorts it in while its caller waits:
with a quarter of a megabyte that is short. docs/scaling.md has the measurement.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER INDEX "posts_search_idx" SET (gin_pending_list_limit = 256);
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER INDEX "posts_search_idx" RESET (gin_pending_list_limit);
    """


MODELS_STATE = (
    "eJztWXtv2zYQ/yqE/koBz3Cc54pigOt6jbfGLhphK9oUMi3RMmGJVEnKD2T+7iUpyXrYcq"
    "zMcZYuQBBYxzse+buH7k53xtCjLp/a9Y+UC+M1uDMI9JH8kV+oAQMGQYasKAIOPc0aSBau"
    "eYZcMGirjUbQ40iSHMRthgOBKVGsLcDoDNAREGME9AZgoMUHNTCiTJIpR2A2poCFBJiUCY"
    "olQXL7HHlTxOtKj0NtqQgTdz9b3pJb0mYICnlgDqfy//cQsUUNQOKAgGIi1EYIuwRM0IID"
    "KAAWdWCu9E0QCjgYTBHj8p4DLadPg33E9Ta3ZKB2HgCpxuFaORhCe1IH7atO+09gU6Kgk6"
    "okvxZl2HURS7dCcwGmyBbyRh6eIoCJot8SH7sMKng5oMRbvE5vOIYcEApmlEmNERLI1/iF"
    "BMsbWoK6SNKYRPHrN0nGxEFzxNXjnTHCyHP0b8PW2DgW1I6AHUMxo3nAEFf35Yl84joafS"
    "uVsrAj/+baZxaBZjH0DvLG+mFZAzmFYeA8QGEqVVlhEA49zMeVVWblKivlAopQx83DAI7k"
    "K+GsNgkmlj5ELtqlTrmk6VYi+xa7XSJ+17wq6IaWTb3QJyl/sJDBRVYC0nsV1UUEMXUkSR"
    "MsVFmAhJ4XZ4skMUQ+mLJEzpeRcdAIhp7KJUo6OkBKMyyr1zetm45pWcZankkkMnkiJmUC"
    "TQPgqiP88muzeXJy0WycnF+enV5cnF02LiWvPu/60sUyOkyKVrSVxqz7vtsz1YGoTIRRel"
    "SEpZaBAlqpA6ToCywk65oB2mPINsO/EihYQF6taIEE720mSAipDdL0fQgj+HBueYi4Yiwf"
    "m2dnWwD+q/WpfdX6dCS5XuVh7sVLzWhtqcMtQVhqFChyzzzGpoyOzRhnRH4KlLeAanY+a5"
    "/1Of/uZbE8um591jD7i3jlQ7/3PmHPYN/+0H9bgJx7oVvFpxP+/YD9tFnl8R06fXnsjO9K"
    "4nDubDgMjoRxGJgbu6DcKAe5UcS4WBXkkX4nsVIF3ma0i7IFzJ1YuJ782MECsQc/h3zSve"
    "7cmK3rj7mk8q5ldtRKM5dQEurRecEyq03A313zCqhH8KXf62g0ZQHkMq0x5TO/qBLLgKGg"
    "FqEzCzpZTBJyQspZOq7c141cWgBlJO6vgvYVTsePWwU1j08vTi9Pzk9Xxc+Ksq3mSeqbzN"
    "s2V89WCZu85B6CZn9v4R6dHb16iRetK9+gVTFwXvLFwP9RAwvobiguWozBRUlHEgsULCrf"
    "gY+WDY03o5DYykpgGGJPYMLrSt9vj1Vv3FNBf/1WSIM+ElD1fOtA/nHT723GMStTjA5sC/"
    "APODSkSu1TQKow2t6UFPuPQhyoDYpNyYgyHzFL9RrV/Lso+OLnmV6EhszeML8o761TiQf1"
    "Is+oEt5XZ60md6NJZnqkCGqCPIPMsdZWaJOW8a4v+U2/SIEEuhpIdWN1v+RzQAsxbI+NTV"
    "8K4qXa1m8FMGW672NBOf73z68rDTr/L1POf1nfl88vS9un8mlEef/0PKdrBxj5qKiqgHDM"
    "/hOie9zYZdQjuUrR1Ws7TojLa7XyCfEBSrWneZ/trSh70vfZ8ge9o+kA"
)
