-- The least that a payment can be: a guarded balance, a row with a unique key, two postings.
\set card random(1, :cards)
BEGIN;
UPDATE card SET balance_fen = balance_fen - 1 WHERE id = :card AND balance_fen >= 1;
INSERT INTO payment (key, card_id, amount_fen) VALUES (gen_random_uuid(), :card, 1);
INSERT INTO posting (payment_id, account, amount_fen) VALUES
    (currval('payment_id_seq'), 'card', 1), (currval('payment_id_seq'), 'payable', -1);
COMMIT;
