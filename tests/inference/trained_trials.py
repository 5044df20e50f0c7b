"""The trials that this folder's tests load, test and export."""

MLP = ("architecture=mlp", "architecture.widths=[8]", "trainer.max_epochs=1", "devices=cpu")
# Names of trials, and their overrides.
TRIALS = {
    "mlp": (*MLP, "data.test_noise=[0.2]"),
    "lenet5": ("architecture=lenet5", "trainer.max_epochs=2", "devices=cpu"),
    "permuted": (*MLP, "data.permute_pixels=true", "seed=4"),
    "by_hand": (*MLP, "backend=by_hand"),
    "double": (*MLP, "trainer.precision=64-true"),
    "lstm": ("architecture=lstm", "trainer.max_epochs=1", "devices=cpu"),
}
