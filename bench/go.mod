module github.com/alexaevents/alexaevents/bench

go 1.26.0

require (
	github.com/alexaevents/alexaevents v0.0.0
	github.com/golang-jwt/jwt/v5 v5.3.1
	github.com/google/uuid v1.6.0
	github.com/stretchr/testify v1.12.1
)

require (
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
	golang.org/x/sync v0.23.0 // indirect
)

replace github.com/alexaevents/alexaevents => ../
