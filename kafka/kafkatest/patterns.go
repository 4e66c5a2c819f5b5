package kafkatest

import "strings"

// HostilePatterns take all memory in a matcher in C, or seconds for each name. Some do so in RE2.
var HostilePatterns = []string{
	`^(((x{255}){255}){255})`,
	`^(.*)(.*)(.*)(.*)(.*)\1\2\3\4\5c$`,
	`^(x{1000})(x{1000})`,
	`^` + strings.Repeat("x{900}", 100),
	`^(` + strings.Repeat(".?", 400) + `){3}`,
	`^((a{30}){30}b){2}`,
	`^` + strings.Repeat("(", 900) + strings.Repeat(")", 900),
	`^` + strings.Repeat(`(\pL|\PL){40}`, 70),
}
