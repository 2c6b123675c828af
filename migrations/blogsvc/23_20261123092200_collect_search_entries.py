"""Writers leave their words on the search index's list again, now that it is built.

It is PostgreSQL's default, and makes a write about four times as fast.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER INDEX "posts_search_idx" RESET (fastupdate);
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER INDEX "posts_search_idx" SET (fastupdate = off);
    """


MODELS_STATE = (
    "eJztWFlv2zgQ/iuEnrJAajjO4bRvjus23m3sohHaopuFTEu0TEQiVZLygaz/+w5pyTp8xO"
    "rmaLoL+EGei+Q3B2d4Zw0D7suJW/vIpbLeoDuL4ZDAR5FxiCwcRTmypig8DIxoBCLSyAyl"
    "EtjVhkY4kARIHpGuoJGinGnRFhJ8ivgIqTFBxgAaGPVBTRvwuAsWKPPvkb1hN+wdF8Dhkq"
    "DpmCMRM2RzoTgFAiiEkgQTIhFmHppiphBGIy4I9Rm6JXOkOBC0MQRWMPoeEzFPlqLihvEp"
    "q6HBBZz1mogJdckAeRysMa4QI8RDFAwqs6iiIamh9mWn/QdyOdMAUKbkodm1R0Y4DpS2PJ"
    "BB7A/0fm6YZo3iIHilyEwhyjwyQwGdEPg0aiH1BdaQScRZMH+TnWyM9SbQlAtP6gOZoxro"
    "YkbhFI7iPgGaAAD//AvIxjiR+u+dNaIk8My35QqCFfEcbJxLPUsLk1kkiJR64VQ/DQcDvJ"
    "NpOdSD38zEwTwyIpaxAOc3fxaHqLBgHHk/sGCmVXnBKB4GVI4rL5nXq7yoVFjFJhd+DOCl"
    "fiWctZHo1jGbKGQwrAksQ3dS3Qvqd5l6Z2R1vg0dlwdxyDL5aA5JxVYKEMua6hNGhN4S0J"
    "SIdWYzCOCkAqTJvozBTGQZfDmdJB+AoLWXG8holuP0+rZz3bEdx1qrHalGrkQkpFzaGQB8"
    "vYVXrxuN4+Nmo358dn560myentfPQdbsd53VXCw3k6G1NGUw677v9my9IQ7FbVnyNGFhdL"
    "DCThYAGfqKKhBdc0B7jMVm+FcKJQ/A0coeSPHe5YKUkPkgK8lP4YQQz5yAMF+N4W/j9HQH"
    "wJ9bn9qXrU8HIPVbEeZewmoseQuTbinCsKIiy/AsYmxDdmzGOKfyS6C8A1S789XEbCjl9y"
    "CP5cFV66uBOZwnnA/93vtUPId9+0P/ogS5vsOqxHQq/zBgP29VefyAzi6PvfFdaTxdOFue"
    "wCNlPQ3M9X1Qrm8HuV7GuNwVFJF+C1jphm4z2mXdEuZeolxLP/bwQBLBL6GedK8613br6m"
    "OhqLxt2R3NaRQKSko9OCt5ZmUEfenal0j/Rd/6vY5BExogX5gVMzn7m26xLBwr7kBX7mAv"
    "j0lKTkkFT0+I0I3WupO3NkA5jfu7oIdKp6PH7YIaRyfNk/Pjs5NV87Oi7Op50v4md9sW+t"
    "kqaVPUfICk+dluYQsO6PVhUEsS+oVkUVJ7diZRcWqr4vWi5v9e/1m8vqF2mt3rMXJ0mxtl"
    "NGGI3dspFp6zxuENvk12nRU2wjIFM+wbn2lw9TbT96YWEdQdW5ueohLW4c7HKJwJ3fcatd"
    "3V9z+mVJq6/ysj97+8bLYP01vv8u2t8fbL/GWOek8wf+isqoBwIv4LontU32fuAKmt6Bre"
    "ns8Vv1/3e1WfKzzqKvQ3gnHk0RrT5xkzNBi7ny3KLxSl608b0M8Wz3qfLf4BAv4XXg=="
)
