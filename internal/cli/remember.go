package cli

import (
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// remember keeps what a check found, for the status. Who may not write it down checks all the same.
func (a *app) remember(ctx context.Context, system *txn.System, plan *txn.Plan) {
	if _, err := system.RecordUpdate(ctx, plan); err != nil {
		a.logger().Warn("what was found is not kept for the status", "error", err)
	}
}
