package busapi

// Parts of decisions, for tests of their own.
var (
	Rights   = rights
	Required = required
	Encode   = dictOf
	Decode   = decodeDict
)
