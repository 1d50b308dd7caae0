// Writes the SDKs that Pulumi's own generator makes of a package schema:
// generate SCHEMA FOLDER makes FOLDER/batchyard (Go) and FOLDER/nodejs.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	gogen "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path, folder string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return err
	}
	// Beside the program that uses it.
	spec.Language["go"] = schema.RawMessage(`{"importBasePath": "batchyard.invalid/sdk/batchyard"}`)
	pkg, diagnostics, err := schema.BindSpec(spec, nil, schema.ValidationOptions{})
	if err != nil {
		return err
	}
	if len(diagnostics) > 0 {
		return diagnostics
	}
	golang, err := gogen.GeneratePackage("batchyard", pkg, nil)
	if err != nil {
		return err
	}
	if err := write(folder, golang); err != nil {
		return err
	}
	node, err := nodejs.GeneratePackage("batchyard", pkg, nil, nil, false, nil)
	if err != nil {
		return err
	}
	return write(filepath.Join(folder, "nodejs"), node)
}

func write(folder string, files map[string][]byte) error {
	for name, content := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
