"""Checkpoints of pytorchcv in the releases of github.com/osmr/imgclsmob: releases, SHA-1 sums of the files inside the
archives, errors and image sizes as in its model_metainfos.csv (0.0.74), ImageNet's top-1 errors as in its README;
pixels and resize as in pytorch/datasets of osmr/imgclsmob."""

import math

from keras_classics.spec import IMAGENET_STATISTICS, InputProtocol, Normalization
from keras_classics.weights.entries.entry import Entry

_CIFAR = Normalization((125.307, 122.961, 113.8575), (51.5865, 50.847, 51.255))
_DATASETS = {"cifar10": "cifar10", "cifar100": "cifar100", "svhn": "svhn_cropped"}
_SIZES = {
    "alexnet_owt": 224,
    "alexnet": 227,  # pytorchcv rounds its pools up, and so reads 224
    "inception_v2": 224,
    "inception": 299,
    "nasnet_large": 331,
    "pnasnet": 331,
}  # by what a network's name begins with

# by variant: pytorchcv's name, top-1 and top-5 errors, SHA-1, release, options
_TABLE: dict[str, tuple[tuple, ...]] = {
    "alexnet": (
        (
            "alexnet",
            38.5,
            16.64,
            "2768cdb312d584e33e93f31b0c569589bb289749",
            "v0.0.481",
            ("groups", 1),
            ("lrn", "torch"),
        ),
    ),
    "alexnet_owt": (("alexnetb", 39.74, 17.47, "ac887bf7eada4179857d243584ac30b4d74a6493", "v0.0.485"),),
    "vgg11": (
        ("vgg11", 29.9, 10.36, "71e85f6ef76f56e3e89d597d2fc461496ed281e9", "v0.0.381"),
        ("bn_vgg11", 29.01, 9.61, "10f01fba064ec168df074b98d59ae7b82b1207d4", "v0.0.339", ("batch_norm", True)),
    ),
    "vgg13": (
        ("vgg13", 28.76, 9.75, "2b2c8770a7610d9dcd444ec8ae992681e270eb42", "v0.0.388"),
        ("bn_vgg13", 27.83, 9.13, "b1acd7158e6e9973ce9e274c65ceb64a244f9967", "v0.0.353", ("batch_norm", True)),
    ),
    "vgg16": (
        ("vgg16", 26.98, 8.65, "5ca155da3dc6687e070ff34815cb5aabd0bed4b9", "v0.0.401"),
        ("bn_vgg16", 25.72, 7.79, "0f570b928b180f909fa39df3924f89c746816722", "v0.0.359", ("batch_norm", True)),
    ),
    "vgg19": (
        ("vgg19", 25.74, 7.9, "9bd923a82ece9f038e944d7666f1c11b478dc7e6", "v0.0.420"),
        ("bn_vgg19", 24.13, 7.12, "3f286cbd2a57abb4c516425c5e095c2cfc8d54e3", "v0.0.360", ("batch_norm", True)),
    ),
    "inception_v2": (("bninception", 25.37, 7.74, "d79ba5f573ba2da5fea5e4c9a7f67ddd526e234b", "v0.0.405"),),
    "inception_v3": (
        ("inceptionv3", 20.44, 5.33, "025fb71c673f8e325f4c24f25cbd4185540cca72", "v0.0.552", ("counts_padding", True)),
    ),
    "inception_v4": (("inceptionv4", 19.83, 4.88, "4ae4f331a5ff649e39626fc49cd5c24b8159cd8c", "v0.0.543"),),
    "inception_resnet_v1": (("inceptionresnetv1", 19.63, 4.8, "f8b3e9e369ff38e28b4ae4def273ef78741e2e28", "v0.0.552"),),
    "inception_resnet_v2": (("inceptionresnetv2", 19.4, 4.74, "19f51781f8a454803207e319289f404d50e252cb", "v0.0.547"),),
    "resnet18": (("resnet18", 26.94, 8.96, "77a56f155214819bfc79ff09795370f955b20e6d", "v0.0.478"),),
    "resnet34": (("resnet34", 24.84, 7.8, "3f775482a327e5fc4850fbb77785bfc55e171e5f", "v0.0.291"),),
    "resnet50": (
        ("resnet50", 22.28, 6.33, "b00d1c8e52aa7a2badc705b1545aaf6ccece6ce9", "v0.0.329"),
        ("resnet50b", 22.39, 6.38, "8a5473ef985d65076a3758117ad5700d726bd952", "v0.0.308", ("form", "3x3")),
    ),
    "resnet101": (
        ("resnet101", 20.79, 5.4, "65faf44721096a75fa72b875efb416513f864078", "v0.0.499"),
        ("resnet101b", 20.59, 5.3, "f059ba3c7fa4a65f2da6e17f3718662d59836637", "v0.0.357", ("form", "3x3")),
    ),
    "resnet152": (
        ("resnet152", 19.29, 4.68, "d46977ddb5660bb523e9f2de50e5d16cef8e3027", "v0.0.518"),
        ("resnet152b", 19.01, 4.45, "2f420307673264444e8457e2050b5d6b131002d7", "v0.0.517", ("form", "3x3")),
    ),
    "resnet50_v2": (
        ("preresnet50", 22.4, 6.47, "222ca73b021f893b925c15e24ea2a6bc0fdf2546", "v0.0.330"),
        ("preresnet50b", 22.51, 6.55, "8b60378ee3aed878d27a2b4a9ddc596a812c7649", "v0.0.307", ("form", "3x3")),
    ),
    "resnet101_v2": (
        ("preresnet101", 20.81, 5.63, "8ec82f7d697b7329aea2c95b399093e9cb2b1114", "v0.0.504"),
        ("preresnet101b", 21.04, 5.56, "76bfe6d020b55f163e77de6b1c27be6b0bed8b7b", "v0.0.351", ("form", "3x3")),
    ),
    "resnet152_v2": (
        ("preresnet152", 19.36, 4.64, "baeb6c5208310ab7c919fc0da3c20267471a8fa1", "v0.0.510"),
        ("preresnet152b", 19.23, 4.59, "42c9fbcfe4e92463497fa4c2d0b007a191c6c043", "v0.0.523", ("form", "3x3")),
    ),
    "resnet200_v2": (
        ("preresnet200b", 19.07, 4.68, "f82215f3a5616098e8172a85bb42071f1823a27d", "v0.0.529", ("form", "3x3")),
    ),
    "nasnet_mobile": (("nasnet_4a1056", 25.32, 8.03, "44f5ecbe03da2cd21803c555366121e29b207907", "v0.0.495"),),
    "nasnet_large": (("nasnet_6a4032", 18.14, 4.21, "f354d28f4acdde399e081260c3f46152eca5d27e", "v0.0.101"),),
    "pnasnet5_large": (("pnasnet5large", 17.88, 4.28, "65de46ebd049e494c13958d5671aba5abf803ff3", "v0.0.114"),),
    "densenet121": (("densenet121", 23.48, 7.04, "cf90d1394d197fde953f57576403950345bd0a66", "v0.0.314"),),
    "densenet161": (("densenet161", 21.91, 6.06, "da489277afe7f53048ec15bed7919486e22f1afa", "v0.0.432"),),
    "densenet169": (("densenet169", 22.42, 6.29, "44974a17309bb378e97c8f70f96f961ffbf9458d", "v0.0.406"),),
    "densenet201": (("densenet201", 21.78, 6.12, "6adc8625a4afa53e335272bab01b4908a0ca3f00", "v0.0.426"),),
    "resnext50_32x4d": (("resnext50_32x4d", 21.08, 5.6, "d7976503d13734114364e0dfef1d22f6d76546d9", "v0.0.498"),),
    "resnext101_32x4d": (("resnext101_32x4d", 18.78, 4.34, "5ac165981bac62627719b3362b31b456cba05df4", "v0.0.530"),),
    "resnext101_64x4d": (("resnext101_64x4d", 19.08, 4.52, "60d1913ec591af7786056b1d87b3add07fdcf2e1", "v0.0.544"),),
    "shufflenet_g1": (
        ("shufflenet_g1_w1", 34.93, 13.89, "4cfb65a30761fe548e0b5afbb5d89793ec41e4e9", "v0.0.223"),
        (
            "shufflenet_g1_wd4",
            62.44,
            37.29,
            "47dbd0f279da6d3056079bb79ad39cabbb3b9415",
            "v0.0.134",
            ("width_multiplier", 0.25),
        ),
        (
            "shufflenet_g1_wd2",
            46.59,
            22.61,
            "dae4bdadd7d48bee791dff2a08cd697cff0e9320",
            "v0.0.174",
            ("width_multiplier", 0.5),
        ),
        (
            "shufflenet_g1_w3d4",
            39.58,
            17.11,
            "161cd24aa0b2e2afadafa69b44a28af222f2ec7a",
            "v0.0.218",
            ("width_multiplier", 0.75),
        ),
    ),
    "shufflenet_g2": (("shufflenet_g2_w1", 34.25, 13.63, "07256203e217a7b31f1c69a5bd38a6674bce75bc", "v0.0.241"),),
    "shufflenet_g3": (
        ("shufflenet_g3_w1", 34.39, 13.48, "ce54f64ecff87556a4303380f46abaaf649eb308", "v0.0.244"),
        (
            "shufflenet_g3_wd4",
            61.74,
            36.53,
            "6abdd65e087e71f80345415cdf7ada6ed2762d60",
            "v0.0.135",
            ("width_multiplier", 0.25),
        ),
        (
            "shufflenet_g3_wd2",
            44.16,
            20.8,
            "ccaacfc8d9ac112c6143269df6e258fd55b662a7",
            "v0.0.167",
            ("width_multiplier", 0.5),
        ),
        (
            "shufflenet_g3_w3d4",
            38.2,
            16.5,
            "3f3b0aef0ce3174c78ff42cf6910c6e34540fc41",
            "v0.0.219",
            ("width_multiplier", 0.75),
        ),
    ),
    "shufflenet_g4": (("shufflenet_g4_w1", 34.19, 13.35, "e2415f8270a4b6cbfe7dc97044d497edbc898577", "v0.0.245"),),
    "shufflenet_g8": (("shufflenet_g8_w1", 34.06, 13.42, "9a979b365424addba75c559a61a77ac7154b26eb", "v0.0.250"),),
    "resnext29_32x4d": (
        ("resnext29_32x4d_cifar10", 3.15, None, "30413525cd4466dbef759294eda9b702bc39648f", "v0.0.169"),
        ("resnext29_32x4d_cifar100", 19.5, None, "13ba13d92f6751022549a3b370ae86d3b13ae2d1", "v0.0.200"),
        ("resnext29_32x4d_svhn", 2.8, None, "e85c5217944cdfafb0a538dd7cc817cffaada7c4", "v0.0.275"),
    ),
    "resnext29_16x64d": (
        ("resnext29_16x64d_cifar10", 2.41, None, "4133d3d04f9b10b132dcb959601d36f10123f8c2", "v0.0.176"),
        ("resnext29_16x64d_cifar100", 16.93, None, "05e9a7f113099a98b219cad622ecfad5517a3b54", "v0.0.322"),
        ("resnext29_16x64d_svhn", 2.68, None, "74332b714cd278bfca3f09dafe2a9d117510e9a4", "v0.0.358"),
    ),
    "nin": (
        ("nin_cifar10", 7.43, None, "795b082470b58c1aa94e2f861514b7914f6e2f58", "v0.0.175"),
        ("nin_cifar100", 28.39, None, "627a11c064eb44c6451fe53e0becfc21a6d57d7f", "v0.0.183"),
        ("nin_svhn", 3.76, None, "1205dc06a4847bece8159754033f325f75565c02", "v0.0.270"),
    ),
    "resnet20": (
        ("resnet20_cifar10", 5.97, None, "9b0024ac4c2f374cde2c5052e0d0344a75871cdb", "v0.0.163", ("shortcut", "B")),
        ("resnet20_cifar100", 29.64, None, "a5322afed92fa96cb7b3453106f73cf38e316151", "v0.0.180", ("shortcut", "B")),
        ("resnet20_svhn", 3.43, None, "8232e6e4c2c9fac1200386b68311c3bd56f483f5", "v0.0.265", ("shortcut", "B")),
    ),
    "resnet56": (
        ("resnet56_cifar10", 4.52, None, "628c42a26fe347b84060136212e018df2bb35e0f", "v0.0.163", ("shortcut", "B")),
        ("resnet56_cifar100", 24.88, None, "d65f53b10ad5d124698e728432844c65261c3107", "v0.0.181", ("shortcut", "B")),
        ("resnet56_svhn", 2.75, None, "6e08ed929b8f0ee649f75464f06b557089023290", "v0.0.265", ("shortcut", "B")),
    ),
    "resnet110": (
        ("resnet110_cifar10", 3.69, None, "4d6ca1fc02eaeed724f4f596011e391528536049", "v0.0.163", ("shortcut", "B")),
        ("resnet110_cifar100", 22.8, None, "d8d397a767db6d22af040223ec8ae342a088c3e5", "v0.0.190", ("shortcut", "B")),
        ("resnet110_svhn", 2.45, None, "c971f0a38943d8a75386a60c835cc0843c2f6c1c", "v0.0.265", ("shortcut", "B")),
    ),
    "resnet1202": (
        ("resnet1202_cifar10", 3.53, None, "1d5a21290117903fb5fd6ba59f3f7e7da7c08836", "v0.0.214", ("shortcut", "B")),
        ("resnet1202_cifar100", 21.56, None, "86ecd091e5ac9677bf4518c644d08eb3e1d1708a", "v0.0.410", ("shortcut", "B")),
    ),
    "resnet110_v2": (
        ("preresnet110_cifar10", 3.86, None, "cc08946a2126a1224d1d2560a47cf766a763c52c", "v0.0.164"),
        ("preresnet110_cifar100", 22.67, None, "3954e91581b7f3e5f689385d15f618fe16e995af", "v0.0.191"),
        ("preresnet110_svhn", 2.79, None, "aa49e0a3c4a918e227ca2d5a5608704f026134c3", "v0.0.269"),
    ),
    "resnet164_v2": (
        ("preresnet164bn_cifar10", 3.64, None, "429012d412e82df7961fa071f97c938530e1b005", "v0.0.196", ("form", "3x3")),
        (
            "preresnet164bn_cifar100",
            20.18,
            None,
            "a8e67ca6e14f88b009d618b0e9b554312d862174",
            "v0.0.192",
            ("form", "3x3"),
        ),
        ("preresnet164bn_svhn", 2.58, None, "94d42de440d5f057a38f4c8cdbdb24acfee3981c", "v0.0.269", ("form", "3x3")),
    ),
    "resnet1001_v2": (
        ("preresnet1001_cifar10", 2.65, None, "9fedfe5fd643e7355f1062a6db68da310c8962be", "v0.0.209", ("form", "3x3")),
        (
            "preresnet1001_cifar100",
            18.41,
            None,
            "88f14ed9df1573e98b0ec2a07009a15066855fda",
            "v0.0.283",
            ("form", "3x3"),
        ),
    ),
    "densenet40_12": (
        (
            "densenet40_k12_cifar10",
            5.61,
            None,
            "8b8e819467a2e4c450e4ff72ced80582d0628b68",
            "v0.0.193",
            ("compression", 0.5),
        ),
        (
            "densenet40_k12_cifar100",
            24.9,
            None,
            "d182c224d6df2e289eef944d54fea9fd04890961",
            "v0.0.195",
            ("compression", 0.5),
        ),
        (
            "densenet40_k12_svhn",
            3.05,
            None,
            "ac0de84a1a905b768c66f0360f1fb9bd918833bf",
            "v0.0.278",
            ("compression", 0.5),
        ),
    ),
    "densenet_bc100_12": (
        ("densenet100_k12_bc_cifar10", 4.16, None, "b9232829b13c3f3f2ea15f4be97f500b7912c3c2", "v0.0.189"),
        ("densenet100_k12_bc_cifar100", 21.19, None, "05a6f02772afda51a612f5b92aadf19ffb60eb72", "v0.0.208"),
    ),
    "densenet_bc190_40": (
        ("densenet190_k40_bc_cifar10", 2.52, None, "2896fa088aeaef36fcf395d404d97ff172d78943", "v0.0.286"),
    ),
}


def _entry(variant, name, top1, top5, sha1, release, *options) -> Entry:
    dataset = _DATASETS.get(name.rsplit("_", 1)[-1], "imagenet2012")
    if dataset == "imagenet2012":
        size = next((size for start, size in _SIZES.items() if variant.startswith(start)), 224)
        protocol = InputProtocol(dataset, IMAGENET_STATISTICS, size, math.ceil(size / 0.875))
        error = top5
    else:
        protocol, error = InputProtocol(dataset, _CIFAR, 32, 32), top1
    file = f"{name}-{round(100 * error):04}-{sha1[:8]}.pth.zip"
    return Entry(
        variant=variant,
        tag=f"pytorchcv/{name}",
        address=f"https://github.com/osmr/imgclsmob/releases/download/{release}/{file}",
        checksum=f"sha1:{sha1}",
        protocol=protocol,
        top1=top1,
        top5=top5,
        reported="README and model_metainfos.csv of pytorchcv",
        licence="MIT",
        options=options,
    )


ENTRIES = tuple(_entry(variant, *row) for variant, rows in _TABLE.items() for row in rows)
