"""Games between players, and what may be concluded from them.

`games` plays, `match` and `table` pair and summarise, `statistics`, `sequential` and `ratings`
are pure arithmetic. Nothing here changes a weight.
"""
