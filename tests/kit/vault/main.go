// A HashiCorp Vault in memory with the KV engine alone, for the tests: vault ADDRESS. It prints a line when it listens, and
// is to be initialized and unsealed.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"

	log "github.com/hashicorp/go-hclog"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

type builtins struct{}

func (builtins) Contains(name string, t consts.PluginType) bool {
	return name == "kv" && t == consts.PluginTypeSecrets
}
func (b builtins) Get(name string, t consts.PluginType) (func() (interface{}, error), bool) {
	return func() (interface{}, error) { return kv.Factory, nil }, b.Contains(name, t)
}
func (builtins) Keys(consts.PluginType) []string { return nil }
func (b builtins) DeprecationStatus(name string, t consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, b.Contains(name, t)
}

func main() {
	logger := log.New(&log.LoggerOptions{Level: log.Error})
	phys, err := inmem.NewInmem(nil, logger)
	must(err)
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical: phys, DisableMlock: true, BuiltinRegistry: builtins{}, Logger: logger,
		LogicalBackends: map[string]logical.Factory{"kv": kv.Factory},
	})
	must(err)
	l, err := net.Listen("tcp", os.Args[1])
	must(err)
	fmt.Println("listening")
	must(http.Serve(l, vaulthttp.Handler.Handler(&vault.HandlerProperties{Core: core, ListenerConfig: nil})))
}
