// A stack of the generated Go SDK, driven by Pulumi's Automation API: program FOLDER up|preview|destroy
package main

import (
	"context"
	"fmt"
	"os"

	"batchyard.invalid/sdk/batchyard"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func program(ctx *pulumi.Context) error {
	account, err := batchyard.NewAccount(ctx, "account", &batchyard.AccountArgs{
		AccountName: pulumi.String("gopher"),
	})
	if err != nil {
		return err
	}
	pool, err := batchyard.NewPool(ctx, "pool", &batchyard.PoolArgs{
		AccountName: account.AccountName,
		PoolName:    pulumi.String("p1"),
		VmSize:      pulumi.String("standard_a1_v2"),
		DeploymentConfiguration: batchyard.PoolDeploymentConfigurationArgs{
			VirtualMachineConfiguration: batchyard.VirtualMachineConfigurationArgs{
				ImageReference: batchyard.ImageReferenceArgs{
					Publisher: pulumi.String("batchyard"),
					Offer:     pulumi.String("process"),
					Sku:       pulumi.String("local"),
				},
				NodeAgentSkuId: pulumi.String("batch.node.process"),
			},
		},
		ScaleSettings: batchyard.ScaleSettingsArgs{
			FixedScale: batchyard.FixedScaleArgs{TargetDedicatedNodes: pulumi.Int(1)},
		},
	})
	if err != nil {
		return err
	}
	_, err = batchyard.NewJob(ctx, "job", &batchyard.JobArgs{
		AccountName: account.AccountName,
		JobId:       pulumi.String("j1"),
		PoolInfo:    batchyard.PoolInfoArgs{PoolId: pool.PoolName},
		Priority:    pulumi.Int(3),
	})
	if err != nil {
		return err
	}
	found := batchyard.LookupPoolOutput(ctx, batchyard.LookupPoolOutputArgs{
		AccountName: account.AccountName,
		PoolName:    pool.PoolName,
	})
	ctx.Export("nodes", found.CurrentDedicatedNodes())
	ctx.Export("key", account.PrimaryKey)
	return nil
}

func main() {
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, folder, command string) error {
	stack, err := auto.UpsertStackInlineSource(ctx, "go", "gopher", program, auto.WorkDir(folder))
	if err != nil {
		return err
	}
	switch command {
	case "up":
		result, err := stack.Up(ctx, optup.ProgressStreams(os.Stderr))
		if err != nil {
			return err
		}
		fmt.Println(result.Outputs["nodes"].Value)
	case "again":
		_, err = stack.Up(ctx, optup.ProgressStreams(os.Stderr), optup.ExpectNoChanges())
	case "destroy":
		_, err = stack.Destroy(ctx, optdestroy.ProgressStreams(os.Stderr))
	default:
		err = fmt.Errorf("%s: up, again or destroy", command)
	}
	return err
}
