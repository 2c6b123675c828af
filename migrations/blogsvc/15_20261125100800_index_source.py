"""Posts by where they were brought over from."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = False


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    CREATE INDEX CONCURRENTLY "posts_source_idx" ON "posts" ("source")
        WHERE "source" IS NOT NULL;
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    DROP INDEX "posts_source_idx";
    """


MODELS_STATE = (
    "eJztWHlv2zYU/yqE/koBz3CUw1lRDHBdr/HW2EUjbEWbQqYlWiYskSpJ+UDm716SkqzDlmN3jrNmBYLAenwH+XsHH9+9"
    "MfSpx6dO/T3lwngJ7g0CAyR/FBdqwIBhmCMrioBDX7OGkoVrniEXDDpK0Qj6HEmSi7jDcCgwJYq1BRidAToCYoyAVgAG"
    "WnxQAyPKJJlyBGZjClhEgEWZoFgSJHfAkT9FvK7suNSRhjDxDqPyjtyRNkNQyA1zOJX/v0aILWoAEheEFBOhFCHsETBB"
    "Cw6gAFjUgbWyN0Eo5GAwRYzLcw60nN4NDhDXau7IQGkeAGnG5do4GEJnUgft6077T+BQoqCTpiS/FmXY8xDLVKG5AFPk"
    "CHkiH08RwETR70iAPQYVvBxQ4i9eZiccQw4IBTPKpMUYCRRo/CKC5QltQT0kaUyi+PmLJGPiojni6vPeGGHku/q34Whs"
    "XBvqQMCuoZjRPGSIq/PyVD4NHY2+nUnZ2JV/cx0zi1CzGFqDPLH+WNZAwWAUut9hMJPa22AYDX3Mx3ubzMvtbZQLKCKd"
    "N98HcCy/F85KSTix9SYK2S5tyiVNt1PZ19jrEvG75lVJN7Qd6kcByfjDhUwushKQ0auoHiKIqS1JmmCRqgIk8v2kWqSF"
    "IY7BjCUOvpyMi0Yw8lUtUdLxBjKaYdu9vmXfdizbNtbqTCqRqxMJKZdoGgBPbeGXX03z7KxpNs4ury7Om82Lq8aV5NX7"
    "XV9qLuPNZGjFqjRm3bfdnqU2RGUhjMujIiy1DBTQzgIgQ19gIVnXHNAeQ7YZ/pVAyQPyaGUPpHhvc0FKyHyQle9jOCGA"
    "c9tHxBNj+WleXGwB+K/Wh/Z168OJ5HpRhLmXLJnx2lKnW4qwtChQHJ5FjC2ZHZsxzok8C5S3gGp1PuqYDTj/6uexPLlp"
    "fdQwB4tk5V2/9zZlz2Hfftd/XYKc+5G3T0yn/IcB+2mryuMHdHZ57IzvSuJ44Wy4DI6EcRyYG7ug3KgGuVHGuNwVFJF+"
    "I7FSDd5mtMuyJczdRLie/tjBA0kE/wj1pHvTubVaN+8LReVNy+qoFbNQUFLqyWXJMysl4O+udQ3UJ/jU73U0mrIB8pi2"
    "mPFZn1SLZcBIUJvQmQ3dPCYpOSUVPJ107utOrmyAchIPd0GHSqfTx+2CzNPz5vnV2eX5qvlZUbb1PGl/k7ttC/3sPmlT"
    "lDxA0hzuFu7R2cmLn/mibRUfaPs4uCj508H/UQcL6G1oLlqMwUXFiyQRKHlU3oGPVg2NV6OIOMpLYBhhX2DC68reb4/V"
    "bzzQQX/+UiqDARJQvfnWgfzjtt/bjGNeppwd2BHgH3BsSJXZp4BUYbT9UVJ+f5TyQClQjxI19BhNcg9vRVDDtxlkrr22"
    "Qk1axbu+FJhBmQIJ9DS86sTqfOkktYUYdsbGpiFrslTbOmaFGdNDc9Zq/B8e/e01I/q/DIj+ZWtUPfqp7DyrH3LVreeP"
    "OZg4wmtZZdUeCCfszxDd08Yur2TJVYmuXttxuFZ9zVUP145wyz3No/h53GfLbwHlA3g="
)
