"""The words of PyTorch, Keras, Caffe, Darknet and papers for the layers and arguments of the language."""

from collections.abc import Collection

# Without capitals, underscores and `2d`. A word with parentheses or spaces is an example of how it is written.
LAYERS = {
    **dict.fromkeys(("conv2d", "convolution", "convolutional", "conv2dnormactivation"), "conv"),
    **dict.fromkeys(("dilatedconv", "atrousconv", "dilatedconvolution"), "conv(…, dilation=2)"),
    **dict.fromkeys(("pointwiseconv", "conv1x1", "pointwise"), "conv(…, 1x1)"),
    "conv3x3": "conv(…, 3x3)",
    **dict.fromkeys(("groupedconv", "groupconv"), "conv(…, groups=…)"),
    **dict.fromkeys(("depthwiseconvolution", "dwconv", "depthwise", "convdw"), "depthwise_conv"),
    **dict.fromkeys(("separableconv", "sepconv"), "depthwise_conv -> conv(…, 1x1)"),
    **dict.fromkeys(
        ("convtranspose", "deconv", "deconvolution", "deconvolutional", "transposedconv", "upconv", "tconv"),
        "conv_transpose",
    ),
    **dict.fromkeys(("stdconv", "scaledstdconv", "wsconv", "weightstandardizedconv"), "ws_conv"),
    "eca": "multiply { | identity | global_avg_pool -> channel_conv(3) -> sigmoid }",
    **dict.fromkeys(
        ("linear", "fc", "fullyconnected", "innerproduct", "connected", "lazylinear", "affine", "gemm"), "dense"
    ),
    **dict.fromkeys(("bn", "batchnormalization", "batchnormalize", "batchnorm", "syncbatchnorm"), "batch_norm"),
    **dict.fromkeys(("ln", "layernormalization", "layernorm"), "layer_norm"),
    **dict.fromkeys(("gn", "groupnormalization", "groupnorm"), "group_norm"),
    **dict.fromkeys(("instancenorm", "instancenormalization"), "instance_norm"),
    **dict.fromkeys(("lrn", "localresponsenorm", "localresponsenormalization"), "local_response_norm"),
    **dict.fromkeys(("grn", "globalresponsenorm", "globalresponsenormalization"), "global_response_norm"),
    **dict.fromkeys(("maxpool", "maxpooling"), "max_pool"),
    **dict.fromkeys(("avgpool", "averagepool", "averagepooling", "meanpool"), "avg_pool"),
    "pooling": "max_pool or avg_pool",
    **dict.fromkeys(
        ("gap", "globalaveragepooling", "globalaveragepool", "globalavgpool", "globalpool"), "global_avg_pool"
    ),
    **dict.fromkeys(("gmp", "globalmaxpooling", "globalmaxpool"), "global_max_pool"),
    **dict.fromkeys(("adaptiveavgpool", "adaptiveaveragepooling"), "adaptive_avg_pool"),
    **dict.fromkeys(("adaptivemaxpool", "adaptivemaxpooling"), "adaptive_max_pool"),
    **dict.fromkeys(("spatialdropout", "dropout2d", "featuredropout"), "spatial_dropout"),
    **dict.fromkeys(("droppath", "stochasticdepth", "dropconnect"), "drop_path"),
    **dict.fromkeys(("leaky", "lrelu", "leakyrelu"), "leaky_relu"),
    **dict.fromkeys(("swish", "sil"), "silu"),
    **dict.fromkeys(("hswish", "hardswish"), "hard_swish"),
    **dict.fromkeys(("hsigmoid", "hardsigmoid"), "hard_sigmoid"),
    **dict.fromkeys(("logistic", "sigm"), "sigmoid"),
    **dict.fromkeys(("logsoftmax", "softmaxwithloss"), "softmax"),
    **dict.fromkeys(("reorg", "spacetodepth", "pixelunshuffle"), "space_to_depth"),
    **dict.fromkeys(("depthtospace", "pixelshuffle", "subpixel"), "pixel_shuffle"),
    **dict.fromkeys(("shufflechannel", "shuffle", "channelshuffle"), "channel_shuffle"),
    **dict.fromkeys(("upsampling", "upsamplingnearest"), "upsample"),
    **dict.fromkeys(("resize", "resizing", "interpolate", "interp"), "resize_to(65x65), or upsample(2)"),
    "upsamplingbilinear": "upsample(2, mode=bilinear)",
    **dict.fromkeys(("zeropadding", "zeropad", "padding", "constantpad"), "pad"),
    "reflectionpad": "pad(1, mode=reflect)",
    "replicationpad": "pad(1, mode=replicate)",
    **dict.fromkeys(("concatenate", "cat", "depthconcat", "filterconcat"), "concat"),
    "route": "from(name), or concat { | from(a) | from(b) }",
    **dict.fromkeys(("eltwise", "sum", "elementwiseadd"), "add"),
    **dict.fromkeys(("max", "maxout", "elementwisemax"), "maximum"),
    **dict.fromkeys(("mul", "elementwisemultiply"), "multiply"),
    **dict.fromkeys(("shortcut", "skip", "skipconnection", "skipadd"), "residual"),
    **dict.fromkeys(("squeezeexcitation", "squeezeexcite", "se"), "multiply { | identity | global_avg_pool -> … }"),
    **dict.fromkeys(("reshape", "view"), "flatten"),
    **dict.fromkeys(("slice", "split", "chunk"), "channels(start, stop)"),
    **dict.fromkeys(("crop", "cropping", "centercrop"), "crop_to(name)"),
    **dict.fromkeys(("noop", "passthrough", "passthru"), "identity"),
    **dict.fromkeys(("gaussiannoise", "noiselayer"), "gaussian_noise"),
}

# Our names for an argument: the first one that the call takes is meant.
ARGUMENTS = {
    **dict.fromkeys(
        ("kernelsize", "ksize", "k", "filtersize", "poolsize", "window", "kernelshape", "windowsize"),
        ("kernel", "size"),
    ),
    **dict.fromkeys(("subsample", "s", "step"), ("stride",)),
    **dict.fromkeys(("pad", "pads", "bordermode", "paddings"), ("padding", "size")),
    "padding": ("size",),
    **dict.fromkeys(
        ("outchannels", "numoutput", "nfilters", "numfilters", "outputchannels", "channels", "planes", "features"),
        ("filters", "units"),
    ),
    **dict.fromkeys(("outfeatures", "outputdim", "hiddenunits", "numunits", "width"), ("units", "filters")),
    **dict.fromkeys(("dilationrate", "dilations", "atrousrate"), ("dilation",)),
    "rate": ("p", "dilation"),
    **dict.fromkeys(("group", "numgroups", "ngroups", "cardinality"), ("groups",)),
    "outputpadding": ("output_padding",),
    "gammainit": ("init_scale",),
    **dict.fromkeys(("usebias", "biasterm", "hasbias"), ("bias",)),
    **dict.fromkeys(("countincludepad", "includepad"), ("count_padding",)),
    **dict.fromkeys(("ceilmode", "roundmode"), ("ceil",)),
    **dict.fromkeys(("kernelinitializer", "weightfiller", "initializer", "weightinit", "kernelinit"), ("init",)),
    **dict.fromkeys(("kernelregularizer", "regularizer", "weightregularizer"), ("regularize",)),
    **dict.fromkeys(("requiresgrad", "learnable"), ("trainable",)),
    **dict.fromkeys(("epsilon", "varianceepsilon"), ("eps",)),
    "center": ("shift",),
    **dict.fromkeys(("negativeslope", "leak", "alpha"), ("slope",)),
    **dict.fromkeys(("prob", "dropprob", "dropoutratio", "droprate", "probability", "dropout"), ("p",)),
    **dict.fromkeys(("outputsize", "targetsize", "localsize"), ("size",)),
    **dict.fromkeys(("scalefactor", "factor", "size"), ("scale", "r")),
    "interpolation": ("mode",),
    **dict.fromkeys(("upscalefactor", "downscalefactor", "blocksize", "stride"), ("r", "scale")),
    **dict.fromkeys(("depthmultiplier", "channelmultiplier"), ("multiplier",)),
    **dict.fromkeys(("stddev", "sigma"), ("std",)),
    **dict.fromkeys(("learningrate", "baselr"), ("lr",)),
    **dict.fromkeys(("labelsmoothing",), ("smoothing",)),
    **dict.fromkeys(("classweight", "classweights"), ("weights",)),
    **dict.fromkeys(("stepsize",), ("every",)),
    **dict.fromkeys(("milestones", "tmax", "warmupepochs"), ("epochs",)),
    "etamin": ("to",),
}

# Arguments that no layer takes, and what to do instead.
WITHOUT = {
    **dict.fromkeys(
        ("inchannels", "infeatures", "numfeatures", "inputchannels", "inputdim", "numchannels", "nin"),
        "leave it out: it is inferred from the input",
    ),
    "inputshape": "leave it out: the network starts with input(3, 32x32)",
    **dict.fromkeys(("activation", "act", "nonlinearity"), "write the activation after the layer: … -> relu"),
    **dict.fromkeys(
        ("batchnormalize", "batchnorm", "bn", "normalization", "norm"), "write it after the layer: … -> batch_norm"
    ),
    **dict.fromkeys(("inplace", "trackrunningstats", "device", "globalpooling"), "leave it out"),
    "dtype": "leave it out: `precision` in `train` sets it",
    **dict.fromkeys(("dataformat", "axis", "dim"), "leave it out: shapes are channels x height x width"),
    "paddingmode": "put a `pad` before it, such as pad(1, mode=reflect), and write padding=0",
    **dict.fromkeys(("affine", "elementwiseaffine"), "use the two arguments `scale` and `shift`"),
    "keepprob": "use `p`, the fraction to drop: 1 - keep_prob",
    "movingaveragefraction": "use `momentum`, the weight of the new batch: 1 - moving_average_fraction",
    "outputpadding": "leave it out: use crop_to(name) or pad to adjust the output size",
    "name": "leave it out: layers are named automatically (see `specc show`); `as(name)` names a tensor",
}


def layer_elsewhere(name: str) -> str:
    """The help for a layer that is called so elsewhere; "" where nothing is known by that name."""
    plain = _plain(name)
    ours = LAYERS.get(plain) or LAYERS.get(plain.removesuffix("2d"), "")
    if not ours or _plain(ours) == plain:  # that is near enough
        return ""
    return f"specc calls this layer `{ours}`" if ours.isidentifier() else f"in specc, write {ours}"


def argument_elsewhere(name: str, params: Collection[str], *, of_layer: bool) -> str:
    """The help for an argument that is called so elsewhere, of a call that takes `params`; "" where none is known."""
    plain = _plain(name)
    ours = next((param for param in ARGUMENTS.get(plain, ()) if param in params), "")
    if ours:
        return f"specc calls it `{ours}`"
    return WITHOUT.get(plain, "") if of_layer else ""


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
