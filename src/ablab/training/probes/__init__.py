"""Probes: what is looked at inside a network, once an epoch, on one batch of training images.

They are drawn from the seed, unaugmented, and are the same in each epoch and for each variant.
Behind the epoch's last step, with the weights that validation saw, they pass through the network
in training mode, as training sees it, with a dropout of their own. Hooks are attached for that
pass alone, and batch-norm statistics, gradients and generators stay as they were: a trial trains
bit-equally with and without probes. Every process of a DDP trial measures the same batch, and the
first one writes.

They are off unless asked for. ``probes=default`` costs about 1 % of an epoch of LeNet-5 on MNIST
(``benchmarks/probes.py``), but a quarter of one on the digits, whose epochs have a dozen steps; and
a finished trial without a probe that is asked for trains again, in a new run.

Each probe gives figures of layers, into ``probes.csv`` (columns ``epoch, layer, probe, value``),
and their mean over the layers, which the journal and MLflow call ``probe/<name>``. A layer is a
module with weights of two dimensions or more; those of activations and of ``receptive_field`` are
named below. The loss is the main logits', without penalty.

| switch | figures |
| --- | --- |
| weight_norm | L2 norm of a layer's parameters |
| update_ratio | L2 norm of the change of a layer's parameters in the epoch's last step, over their norm before it |
| gradient_norm | L2 norm of the loss's gradient by a layer's parameters; ``gradient_norm_first_to_last``: the first layer's over the last one's |
| activations | of each activation module, at its outputs: ``activation_mean``, ``activation_variance``, ``sparsity`` (share of zeros), ``saturated`` (share where the derivative is below 0.05 in magnitude), ``dead`` (share of units, or channels, whose derivative is 0 at all images and places) |
| input_drift | how far the means of a layer's input channels moved since the epoch before (at first, since the initial weights), over the channels' deviation before it; both root mean squares over channels |
| gradient_change | of the gradient by a layer's parameters, when all layers before it have taken a step of gradient descent at the trial's learning rate: ``gradient_change``, L2 norm of the difference over the norm before; ``gradient_cosine``. One pass for each layer. Source: Santurkar et al. 2018, arXiv:1805.11604, there without the division |
| receptive_field | of each layer whose outputs are maps: side, in pixels, of a square with as many pixels as those where the gradient of the central output by the input exceeds 4.55 % of its maximum, mean magnitude over images, summed over channels. One backward pass for each layer. Source: Luo et al. 2016, arXiv:1701.04128, there without the sums; the journal has the last layer's |
| generalization_gap | ``generalization_gap_accuracy``: train/accuracy - val/accuracy; ``generalization_gap_loss``: val/loss - train/loss. Of the whole network, in the journal alone |
"""  # noqa: E501
