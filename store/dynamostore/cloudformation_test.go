package dynamostore

import (
	_ "embed"
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

//go:embed cloudformation.yaml
var cloudFormation []byte

// CloudFormation makes the tables that CreateTables makes.
func TestCloudFormation(t *testing.T) {
	var template struct {
		Parameters struct {
			Prefix map[string]string `yaml:"Prefix"`
		} `yaml:"Parameters"`
		Resources map[string]struct {
			DeletionPolicy      string         `yaml:"DeletionPolicy"`
			UpdateReplacePolicy string         `yaml:"UpdateReplacePolicy"`
			Properties          map[string]any `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	require.NoError(t, yaml.Unmarshal(cloudFormation, &template))
	require.Equal(t, validPrefix.String(), template.Parameters.Prefix["AllowedPattern"])

	tables := new(Store).tables()
	require.Len(t, template.Resources, len(tables))
	for i, resource := range []string{"Facts", "Grants"} {
		require.Equal(t, "Retain", template.Resources[resource].DeletionPolicy)
		require.Equal(t, "Retain", template.Resources[resource].UpdateReplacePolicy)
		properties := template.Resources[resource].Properties
		suffix := properties["TableName"].(map[string]any)["Fn::Sub"].(string)[len("${Prefix}"):]
		properties["TableName"] = template.Parameters.Prefix["Default"] + suffix
		require.Equal(t, map[string]any{"PointInTimeRecoveryEnabled": true}, properties["PointInTimeRecoverySpecification"])
		delete(properties, "PointInTimeRecoverySpecification")
		text, err := json.Marshal(properties)
		require.NoError(t, err)
		var got dynamodb.CreateTableInput
		require.NoError(t, json.Unmarshal(text, &got))
		require.Equal(t, tables[i], &got)
	}
}
