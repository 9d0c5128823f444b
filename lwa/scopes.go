package lwa

// Scopes of skills, for [ClientCredentials].
const (
	ScopeProactiveEvents = "alexa::proactive_events"
	ScopeSkillMessaging  = "alexa:skill_messaging" // with a single colon
	ScopeDataStore       = "alexa::datastore"
)

// Scopes of developers, for [Client.AuthCodeURL].
const (
	ScopeSkillsReadWrite      = "alexa::ask:skills:readwrite"
	ScopeModelsReadWrite      = "alexa::ask:models:readwrite"
	ScopeSkillsTest           = "alexa::ask:skills:test"
	ScopeSkillsDebug          = "alexa::ask:skills:debug"
	ScopeCatalogsRead         = "alexa::ask:catalogs:read"
	ScopeCatalogsReadWrite    = "alexa::ask:catalogs:readwrite"
	ScopeSubscriptions        = "alexa::ask:subscriptions"     // skill development notifications
	ScopeEnterpriseManagement = "alexa::enterprise:management" // Smart Properties
	ScopeProfile              = "profile"                      // name, email address and user ID
	ScopeProfileUserID        = "profile:user_id"
	ScopePostalCode           = "postal_code"
)
