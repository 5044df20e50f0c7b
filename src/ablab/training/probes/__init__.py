"""Probes: measurements inside a network, once per epoch, on one batch of training images.

The probe images are drawn from the seed, unaugmented, and are the same in each epoch and for each
variant. After the epoch's last step, with the weights used in validation, they pass through the
network in training mode, with a dropout stream of their own. Hooks are attached for that pass
alone, and batch-norm statistics, gradients and generators are restored: a trial trains bit-equally
with and without probes. Every process of a DDP trial measures the same batch; rank 0 writes.

Probes are off by default. ``probes=default`` costs about 1 % of an epoch of LeNet-5 on MNIST
(``benchmarks/probes.py``), but a quarter of an epoch on the digits, whose epochs have a dozen
steps. A finished trial that lacks a requested probe is trained again, in a new run.

Each probe writes one value per layer to ``probes.csv`` (columns ``epoch, layer, probe, value``),
and logs the mean over the layers as ``probe/<name>``. A layer is a module with its own weights of
two dimensions or more; ``activations`` and ``receptive_field`` apply to the modules named below. The
loss is that of the main logits, without penalty.

| switch | values |
| --- | --- |
| weight_norm | L2 norm of a layer's parameters |
| update_ratio | L2 norm of the change of a layer's parameters in the epoch's last step, divided by their norm before the step |
| gradient_norm | L2 norm of the gradient with respect to a layer's parameters; ``gradient_norm_first_to_last``: first layer's norm divided by the last layer's; ``gradient_norm_initial``: mean over the layers before the first step, in the journal only |
| activations | statistics of each activation module's outputs: ``activation_mean``, ``activation_variance``, ``sparsity`` (share of zeros), ``saturated`` (share where the derivative is below 0.05 in magnitude), ``dead`` (share of units, or channels, whose derivative is 0 for all images and positions) |
| input_drift | change of the means of a layer's input channels since the previous epoch (in the first epoch, since initialization), divided by their previous standard deviation; both are root mean squares over channels |
| gradient_change | change of the gradient with respect to a layer's parameters after all earlier layers took a step of gradient descent at the trial's learning rate: ``gradient_change``, L2 norm of the difference divided by the norm before; ``gradient_cosine``, cosine of the two gradients. One pass per layer. Source: Santurkar et al. 2018, arXiv:1805.11604, there without the division |
| receptive_field | for each layer with outputs of four dimensions: square root of the number of pixels at which the gradient of the central output with respect to the input exceeds 4.55 % of its maximum; gradient magnitudes are averaged over images and summed over channels. One backward pass per layer. Source: Luo et al. 2016, arXiv:1701.04128, there without the sums; the journal has the last layer's value |
| generalization_gap | ``generalization_gap_accuracy``: train/accuracy - val/accuracy; ``generalization_gap_loss``: val/loss - train/loss. One value per network, in the journal only |
"""  # noqa: E501
