from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "tag" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(100) NOT NULL UNIQUE,
    "description" TEXT NOT NULL
);
COMMENT ON TABLE "tag" IS 'A tag with a page of its own; blogsvc''s own tags are names only.';
        CREATE TABLE "post_tag" (
    "tag_id" BIGINT NOT NULL REFERENCES "tag" ("id") ON DELETE CASCADE,
    "post_id" BIGINT NOT NULL REFERENCES "posts" ("id") ON DELETE CASCADE
);"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TABLE IF EXISTS "post_tag";
        DROP TABLE IF EXISTS "tag";"""


MODELS_STATE = (
    "eJztWNtu2zgQ/RVCL5sFskGqXJxtnlTHbb3b2EUjNEWLQqAlWiIikS5JxzFa//uSlKi7lR"
    "hwgribl8Q6M0MNz0hzRvxpJTRAMT9w5iKizHoNfloEJkj+qFn2gQVnswJXgICTWLvCwmfC"
    "BYO+kOgUxhxJKEDcZ3gmMCXK9zqiYMGoQACCGeViH1AGOLpFDMZA0BCJCLEDtVZAfbkYJu"
    "FmYXOCf8yRZzAZ/O27hDEJ0B3i5nJ2400xioPKlnGgFtC4J5Yzjb3B4ZCIt9pXJTXxfBrP"
    "E1L4z5Zy9yQPwEQoNERE5iaQuoNgc8UEmcdxRpkhJ022cEmzLMUEaArnseJTRacJFJjlea"
    "Ox610NXM+zGlybiBKPGeRTouokU+WagFCl8Nfftn101LMPj07PTo57vZOzwzPpq/Ntmnqr"
    "NJmCrXQpzdnw3XDkqoSofBjSZ0QBKx0DBUyjdDEK9vX/Bv/9CLJ29o1/jX+5sTr/hu3nW4"
    "AE3nkxIqGI5OWrw8MOcj87n/rvnU970uvPKsWjzGSnttVKPejTmxLZCphA/2YBWeA1LNSm"
    "63ybpsROWquoXk7eLOMlJEuXqr+6mEO5fUj8tvpNYhryW//go1xo5wq5Mg+pQYv7677pGZ"
    "rqu2QoVnvM7WlLTYmkTNfgBi0NwV7aefLyZKY0KDOKiNF5GOUhRZOWZMtUkEjfL+eq71wM"
    "FO41qNZPUAIJDDWm9rzaz6WhT5ME6S02VMOYOmXDLzk9QDegkL2fIRgg2fnhkp8DLEBIEQ"
    "cLLCJ5wbUytGnHJqEv+rGj+iHQnWjy70q0nX3jvx39MEBRgeJBfrrG08amO/iiuUw4/xGX"
    "dWLv0vmiJSRZZpYP49E7417Slf6H8RtNfkG2L98m1a9gC+UX0iJwgtppr0bWyA+y0APzYw"
    "dLYalGMybxMnsLu0ozvBxcuc7lx0p9Lhx3oCx2pTYG3TutyX6+CLgeuu+BugRfxyPd0lVX"
    "C5m+Y+HnfrVUTlIQqEfowoNBqWEYNJeActVL2vPwLlcKur/V7UJ9n6zbNea3aiWaZXhLGc"
    "Ih+Rc9+pT1PNpd25zF4CKX5vKz1zr1rB5tIu6cnFwYtk1NCu6cmETmcO+05ADpmg438ntZ"
    "JgHoVI85dEHOQVb8P/Sl8uQAMgRUNhKSnas5Q21jwZfJ6hn3mq7J6uXLfNtf5mVRLWe2wf"
    "haC3u6KdaydniGfTkS2dkjEUFn2N/wRERK0ZrjkExKt3UW4iCG/ahN1DNLp67Dwuc+aV/P"
    "+5bl9f+irfar497x2dHpcS6pOdKlpPer5i1ivLWnrxfOUshvcSpRVU/75OQB6im91qqntl"
    "XVU71UGzCcuf+G7D7KbCLvKLIj2irD/1yNR2vOd4qQ+uEO9gX4BWK8y5+cbeQqMrqnk/og"
    "sl89mlELPO100iJmq/8AZr6WuA=="
)
