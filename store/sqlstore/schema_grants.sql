-- Version 2: since when a grant has ended.

-- Milliseconds since 1970-01-01T00:00:00Z, NULL where there is none.
ALTER TABLE alexa_grants ADD COLUMN refused_at bigint;
ALTER TABLE alexa_grants ADD COLUMN disabled_at bigint;
ALTER TABLE alexa_grants ADD COLUMN probed_at bigint;

-- The revision that wrote these times. A program that knows version 1 alone
-- changes the revision and not the times, which then count no more: it may have
-- stored a new grant.
ALTER TABLE alexa_grants ADD COLUMN ended_revision bigint;

-- The grants that may have ended, which are few.
CREATE INDEX alexa_grants_ended ON alexa_grants (client_id, account_id, link_id)
    WHERE refused <> '' OR disabled_at IS NOT NULL;

INSERT INTO alexa_schema (version) VALUES (2);
