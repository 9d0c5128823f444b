-- Version 1: facts, the customer table that is derived from them, and grants.

CREATE TABLE alexa_schema (
    version integer PRIMARY KEY CHECK (version > 0) -- one row for each version applied
);

INSERT INTO alexa_schema (version) VALUES (1);

-- One row for each fact. The key is the whole fact, so inserting one twice is
-- inserting it once, and it leads with the user, so a user's facts lie together.
CREATE TABLE alexa_facts (
    amazon_user_id text     COLLATE "C" NOT NULL,
    skill_id       text     COLLATE "C" NOT NULL,
    at             bigint   NOT NULL, -- milliseconds since 1970-01-01T00:00:00Z
    kind           smallint NOT NULL, -- 1 enabled, 2 seen, 3 linked, 4 disabled
    account_id     text     COLLATE "C" NOT NULL, -- '' unless linked to a known account
    id             text     COLLATE "C" NOT NULL, -- the ID of the record that the fact would open
    PRIMARY KEY (amazon_user_id, skill_id, at, kind, account_id)
);

CREATE INDEX alexa_facts_account ON alexa_facts (account_id) WHERE account_id <> '';

-- One row for each grant. Times are milliseconds since 1970-01-01T00:00:00Z, NULL
-- where there is none.
CREATE TABLE alexa_grants (
    account_id    text   COLLATE "C" NOT NULL,
    client_id     text   COLLATE "C" NOT NULL,
    link_id       text   COLLATE "C" NOT NULL,
    region        text   NOT NULL,
    access_token  text   NOT NULL,
    refresh_token text   NOT NULL,
    issued_at     bigint,
    expiry        bigint,
    confirmed_at  bigint,
    refused       text   NOT NULL,
    code_hash     text   NOT NULL,
    revision      bigint NOT NULL, -- another random number after each update
    PRIMARY KEY (account_id, client_id, link_id)
);
