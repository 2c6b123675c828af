from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "author" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(100) NOT NULL UNIQUE
);
COMMENT ON TABLE "author" IS 'Who wrote a post, or several together.';
CREATE TABLE IF NOT EXISTS "aerich" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "version" VARCHAR(255) NOT NULL,
    "app" VARCHAR(100) NOT NULL,
    "content" JSONB NOT NULL
);

CREATE TABLE IF NOT EXISTS "comment" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "text" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "post_id" BIGINT NOT NULL REFERENCES "posts" ("id") ON DELETE CASCADE
);
COMMENT ON TABLE "comment" IS 'What a reader says; it goes with its post.';
CREATE TABLE IF NOT EXISTS "post_author" (
    "author_id" BIGINT NOT NULL REFERENCES "author" ("id") ON DELETE CASCADE,
    "post_id" BIGINT NOT NULL REFERENCES "posts" ("id") ON DELETE CASCADE
);
CREATE UNIQUE INDEX IF NOT EXISTS "uidx_post_author_author__97a9cd" ON "post_author" ("author_id", "post_id");"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        """


MODELS_STATE = (
    "eJztWG1P2zAQ/itRPzGJVSVtabd9CqVAN9oiGg3ENEVu4iZRE7s4DqVi/e+znTjvLSABom"
    "xfoHnuzj0/Z9896UPNxxb0groWUgeT2lfloYaAD9mHgmVfqYHFIsU5QMHUE64g9ZkGlACT"
    "MnQGvAAyyIKBSdwFdTHivlcOVpYEU6gAZYEDuq9gogTwDhLgKRTbkDqQ1PlaFjbZYi6ynx"
    "cWIvc2hIbEWPCv3wx2kQXvYSAfF3Nj5kLPym3ZtfgCAjfoaiGwI9ceIHoifHlSU8PEXuij"
    "1H+xYrtHSYCLKEdtiFhuFPJvoCTkTKDQ82LKJDlRsqlLlGUmxoIzEHqcTx4dJZBiNcMYjX"
    "Vj0tcNo1biWkZkeIwhEyNeJ5ZqIAiweQqfv6hqs9lRG83DbrvV6bS7jS7zFfmWTZ11lEzK"
    "VrSU4GxwOhjpPCHMDkN0RjiwFjGAgihKFCNlX/wv8d9zAKlmX/oX+GcbK/Iv2X6/BfDBve"
    "FBZFOHPR40GlvI/ald9s60yz3m9SlP8Sg2qZFtveYHfTbPkM2BKTDnS0Aso2TBKt7kWzb5"
    "ql9ZRX45g3IZhwCtdMz/imIO2PYBMqvqN/WwHdyZ9Qu20M4Vci0PqUTT7xd905A0FXdJoM"
    "f3mNijlhoRiYmowRyuJMFG1HmS8sSmKCg2Uofg0HaSkLRJM7JZKpBG90ub9LTjPseNEtXi"
    "BPkAAVtgfM/r/WQ09LDvQ7HF0tSQpq1jw8w4PWFuAMp6P4HAgqzzg1XwTXGpYmMYKEuXOu"
    "whEJOhanY8J/T//NjR+UHhPS3zrzO0mn3p/zLzQwJpBdKD/HaNp4pNvX8tuPSD4NbLzom9"
    "oXYtRoi/ii3n49GpdM/Mld75+EiQn5JtstvE+xWooPyYWajrw2ra85EF8q04tC4/7GApar"
    "zRjJG3im/httIMhv2Jrg0vcvU51vQ+t6i52kh077Aw9pNFlKuBfqbwR+VmPBItnXc1m4hv"
    "TP30mxrPiQ0EbCC8NICVaRgSTUZAtuqZ2fP0LpcJerzV7UJ936zblfRbvhLlMpxgAl0b/Y"
    "CvrrLeR7ur0lkELJPRnD17lapn/WqKeKty0iBxTadKOMWWrboJpD6PyabNhL6wzPlXNI56"
    "0Oq0us3DVnLZE2TbHX9cvdxBEvCUSsxufgHOhHwIDZN/C1bb7Se8BTOvjW/BwpaXLfxSPY"
    "Ph2P0DsvtivzHkRCFGNH6hyzP8fTIebVCDaUhRCromVf4onrvLA6qKXE7Gdj1elN4FIccX"
    "OHrTn3cqhtn6L1g+FkM="
)
