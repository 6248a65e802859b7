CREATE TABLE orders (
  id bigint PRIMARY KEY,
  customer_id integer NOT NULL,
  total numeric(10, 2) NOT NULL,
  created_at timestamptz NOT NULL
);
INSERT INTO orders
SELECT n, n % 500, (n * 37 % 10000) / 100.0, timestamptz '2026-01-01' + n * interval '10 minutes'
FROM generate_series(1, 2000) AS n;
ANALYZE orders;
ALTER TABLE orders OWNER TO app;
