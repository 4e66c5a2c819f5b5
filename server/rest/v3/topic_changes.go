package v3

import (
	"net/http"
	"slices"
	"strings"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// createTopic answers 201 with the topic, or 200 if it was only validated: then there is none.
func (v *resource) createTopic() (int, any, error) {
	wanted, err := v.readNewTopic()
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := v.AskContext()
	defer cancel()
	created, err := v.Kafka.CreateTopic(ctx, wanted)
	if err != nil {
		return 0, nil, err
	}
	body := v.ofTopic(&created)
	if wanted.ValidateOnly {
		body.Count, body.Replication = max(0, wanted.Partitions), max(0, wanted.Replicas)
		return http.StatusOK, body, nil
	}
	v.W.Header().Set("Location", body.Metadata.Self)
	return http.StatusCreated, body, nil
}

// readNewTopic reads {"topic_name":"orders","partitions_count":3,"replication_factor":2,"configs":[...]}. The brokers
// choose the counts that are missing.
func (v *resource) readNewTopic() (kafka.NewTopic, error) {
	wanted := kafka.NewTopic{Partitions: -1, Replicas: -1, Settings: map[string]string{}}
	err := v.readFields(fields{
		"topic_name": func(raw []byte) (err error) {
			wanted.Name, err = jsonscan.String("topic_name", raw)
			return err
		},
		"partitions_count":   aCount("partitions_count", 31, &wanted.Partitions),
		"replication_factor": aCount("replication_factor", 15, &wanted.Replicas),
		"validate_only":      aFlag("validate_only", &wanted.ValidateOnly),
		"configs": func(raw []byte) error {
			changes, err := readSettings("configs", raw)
			for _, c := range changes {
				if !c.Delete {
					wanted.Settings[c.Name] = c.Value
				}
			}
			return err
		},
	})
	switch {
	case err != nil:
		return wanted, err
	case wanted.Name == "":
		return wanted, unfit("\"topic_name\" is missing")
	case !kafka.ValidTopic(wanted.Name):
		return wanted, refused("%q is no name for a topic: use 1 to 249 letters, digits, dots, underscores and hyphens", exchange.Shortened(wanted.Name))
	}
	return wanted, nil
}

// addPartitions answers 200 with the topic.
func (v *resource) addPartitions() (int, any, error) {
	topic, err := topicInPath(v.Exchange)
	if err != nil {
		return 0, nil, err
	}
	count := 0
	if err := v.readFields(fields{"partitions_count": aCount("partitions_count", 31, &count)}); err != nil {
		return 0, nil, err
	}
	if count == 0 {
		return 0, nil, unfit("\"partitions_count\" is missing")
	}
	ctx, cancel := v.AskContext()
	defer cancel()
	grown, err := v.Kafka.AddPartitions(ctx, topic, count)
	return http.StatusOK, v.ofTopic(&grown), err
}

// deleteTopic deletes a topic where the configuration allows that.
func (v *resource) deleteTopic() (int, any, error) {
	topic, err := topicInPath(v.Exchange)
	if err != nil {
		return 0, nil, err
	}
	if !v.Opts.DeleteTopics {
		return 0, nil, exchange.Errorf(http.StatusForbidden, "topics are not deleted here: http.delete_topics is false")
	}
	ctx, cancel := v.AskContext()
	defer cancel()
	return http.StatusNoContent, nil, v.Kafka.DeleteTopic(ctx, topic)
}

// setConfig reads {"value":"60000"}.
func (v *resource) setConfig() (int, any, error) {
	change := kafka.SettingChange{Name: v.R.PathValue("name"), Delete: true}
	err := v.readFields(fields{"value": func(raw []byte) (err error) {
		change.Delete = false
		change.Value, err = readSetting("value", raw)
		return err
	}})
	switch {
	case err != nil:
		return 0, nil, err
	case change.Delete:
		return 0, nil, unfit("\"value\" is missing: DELETE takes a setting back to its default")
	}
	return v.alter([]kafka.SettingChange{change}, false)
}

// resetConfig takes a setting back to its default.
func (v *resource) resetConfig() (int, any, error) {
	return v.alter([]kafka.SettingChange{{Name: v.R.PathValue("name"), Delete: true}}, false)
}

// alterConfigs reads {"data":[{"name":"retention.ms","value":"60000"},{"name":"cleanup.policy","operation":"DELETE"}]}.
func (v *resource) alterConfigs() (int, any, error) {
	var changes []kafka.SettingChange
	only := false
	err := v.readFields(fields{
		"data":          func(raw []byte) (err error) { changes, err = readSettings("data", raw); return err },
		"validate_only": aFlag("validate_only", &only),
	})
	switch {
	case err != nil:
		return 0, nil, err
	case len(changes) == 0:
		return 0, nil, unfit("\"data\" has no setting")
	}
	return v.alter(changes, only)
}

// alter changes settings of the topic in the path: all, or none of them.
func (v *resource) alter(changes []kafka.SettingChange, only bool) (int, any, error) {
	topic, err := topicInPath(v.Exchange)
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := v.AskContext()
	defer cancel()
	known, err := v.Kafka.TopicSettings(ctx, topic)
	if err != nil {
		return 0, nil, err
	}
	for _, c := range changes {
		if !slices.ContainsFunc(known, func(s kafka.TopicSetting) bool { return s.Name == c.Name }) {
			return 0, nil, absent("Config", c.Name)
		}
	}
	return http.StatusNoContent, nil, v.Kafka.AlterTopic(ctx, topic, changes, only)
}

// operations are what may be done with a setting.
var operations = map[string]bool{"SET": false, "DELETE": true}

// readSettings reads a list of settings. A setting without a value goes back to its default.
func readSettings(list string, raw []byte) (changes []kafka.SettingChange, err error) {
	err = jsonscan.EachElement(raw, list, mostChange, func(raw []byte) error {
		c, valued, named := kafka.SettingChange{}, false, false
		err := jsonscan.EachField(raw, "a member of \""+list+"\"", fields{
			"name":  func(raw []byte) (err error) { c.Name, err = readSetting("name", raw); named = true; return err },
			"value": func(raw []byte) (err error) { c.Value, err = readSetting("value", raw); valued = true; return err },
			"operation": func(raw []byte) error {
				word, err := jsonscan.String("operation", raw)
				deletes, known := operations[word]
				if err == nil && !known {
					err = unfit("\"operation\" is %q, and neither SET nor DELETE", exchange.Shortened(word))
				}
				c.Delete = deletes
				return err
			},
		}.read)
		twice := slices.ContainsFunc(changes, func(other kafka.SettingChange) bool { return other.Name == c.Name })
		switch {
		case err != nil:
		case !named:
			err = unfit("a member of %q has no \"name\"", list)
		case twice:
			err = refused("%s is in %q twice", exchange.Shortened(c.Name), list)
		}
		c.Delete = c.Delete || !valued
		changes = append(changes, c)
		return err
	})
	return changes, err
}

// readSetting reads the name or the value of a setting. It must not have a NUL, which would end it in librdkafka.
func readSetting(name string, raw []byte) (string, error) {
	if raw[0] == '"' && jsonscan.Unpaired(raw) {
		return "", unfit("%q has half of a surrogate pair, which is no character", name)
	}
	word, err := jsonscan.Word(name, raw)
	if err == nil && strings.ContainsRune(word, 0) {
		return "", unfit("%q has a character of value 0", name)
	}
	return word, err
}
