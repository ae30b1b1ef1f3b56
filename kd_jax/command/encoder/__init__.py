"""`distill_encoder`: your encoder, your texts, a folder with a smaller one.

run.run(flags, run)    all of it; folder.write(…) what --out holds, card.text(…) its model card
"""
