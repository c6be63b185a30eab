"""Data sources: where the images come from, and what is known of them before a byte is read."""

from specc.tasks import CLASSIFICATION, MULTILABEL, REGRESSION, SEGMENTATION, Task
from specc.values import Args
from specc.vocabulary.family import Source
from specc.vocabulary.kinds import Bool, Either, FilePath, Int, ListOf, Maybe, Text, Word
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem

DIGITS = tuple("0123456789")
FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR100 = (
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
    "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
    "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur",
    "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard",
    "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain",
    "mouse", "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree",
    "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket",
    "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider",
    "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger",
    "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm",
)  # fmt: skip

COLUMN = Word("a column", "Date taken")
LEARNED = {"label": CLASSIFICATION, "labels": MULTILABEL, "target": REGRESSION, "targets": REGRESSION}
MOST_MASK_CLASSES = 255  # of 8 bits, with one number that is ignored


def learned(a: Args) -> str:
    """Which argument of `csv` says what is to be learned."""
    return next(name for name in LEARNED if getattr(a, name) is not None)


def _check_csv(a: Args) -> None:
    given = [name for name in LEARNED if getattr(a, name) is not None]
    if not given:
        help = "write label=COLUMN for one class for each image, labels=… for tags, target=… or targets=[…] for numbers"
        raise Problem("E206", "`csv` needs one of `label`, `labels`, `target` and `targets`", help=help)
    if len(given) > 1:
        message = f"`csv` takes only one of `{given[0]}` and `{given[1]}`: a network learns one task"
        raise Problem("E216", message, param=given[1], help="remove one of them")
    value = getattr(a, given[0])
    columns = [value] if isinstance(value, str) else list(value)
    if not columns:
        raise Problem("E216", f"`{given[0]}` names no column", param=given[0], help="name at least one")
    is_split = given == ["labels"] and isinstance(value, str)
    if is_split and not a.separator:
        message = f"`labels={value}` is one column of several tags, but nothing says what separates them"
        help = f'write labels={value}, separator=";"; a column of 0 and 1 is labels=[{value}]'
        raise Problem("E216", message, param="labels", help=help)
    if a.separator is not None and not is_split:
        message = "`separator` separates the tags of one column, and no single column is given as `labels`"
        raise Problem("E216", message, param="separator", help='remove it, or write labels=COLUMN, separator=";"')
    used = [a.image, *columns, *(column for column in (a.part, a.group) if column is not None)]
    twice = next((column for column in used if used.count(column) > 1), None)
    if twice is not None:
        raise Problem("E216", f"the column `{twice}` is used twice", help="each column serves one purpose")


def _csv_task(a: Args) -> Task:
    return LEARNED[learned(a)]


def _csv_outputs(a: Args) -> tuple[str, ...] | None:
    """The columns of tags or numbers; classes, and tags in one column, are known once they are read."""
    name = learned(a)
    value = getattr(a, name)
    if name == "target":
        return (value,)
    return None if isinstance(value, str) else tuple(value)


def _check_masks(a: Args) -> None:
    classes = a.classes
    if classes is None:
        return
    if len(set(classes)) < len(classes):
        twice = next(name for name in classes if classes.count(name) > 1)
        raise Problem("E216", f"the class `{twice}` is named twice", param="classes", help="remove one of them")
    if not 2 <= len(classes) <= MOST_MASK_CLASSES:
        message = f"`masks` needs 2 to {MOST_MASK_CLASSES} classes, found {len(classes)}"
        help = "name all of them in the order of their numbers, the background included"
        raise Problem("E216", message, param="classes", help=help)
    if a.ignore is not None and a.ignore < len(classes):
        message = f"`ignore={a.ignore}` is the number of the class `{classes[a.ignore]}`"
        help = "ignore a number that is no class's, or none: ignore=none"
        raise Problem("E216", message, param="ignore", help=help)


COMPONENTS = (
    Source(
        "digits",
        "1,797 handwritten digits, 8 x 8 gray (Alpaydin and Kaynak, 1998). They come with scikit-learn.",
        target="specc.backend.data.digits.read_digits",
        example="digits",
        shape=(1, 8, 8),
        classes=DIGITS,
        channels=1,
        images=1_442,
        orientation_sensitive=True,
    ),
    Source(
        "mnist",
        "70,000 handwritten digits, 28 x 28 gray (LeCun et al., 1998).",
        target="specc.backend.data.idx.read_mnist",
        example="mnist",
        shape=(1, 28, 28),
        classes=DIGITS,
        channels=1,
        images=60_000,
        orientation_sensitive=True,
    ),
    Source(
        "fashion_mnist",
        "70,000 images of clothing, 28 x 28 gray (Xiao et al., 2017).",
        target="specc.backend.data.idx.read_fashion_mnist",
        example="fashion_mnist",
        shape=(1, 28, 28),
        classes=FASHION,
        channels=1,
        images=60_000,
    ),
    Source(
        "cifar10",
        "60,000 photographs in ten classes, 32 x 32 RGB (Krizhevsky, 2009).",
        target="specc.backend.data.cifar.read_cifar10",
        example="cifar10",
        shape=(3, 32, 32),
        classes=CIFAR10,
        channels=3,
        images=50_000,
    ),
    Source(
        "cifar100",
        "60,000 photographs in a hundred classes, 32 x 32 RGB, fine labels (Krizhevsky, 2009).",
        target="specc.backend.data.cifar.read_cifar100",
        example="cifar100",
        shape=(3, 32, 32),
        classes=CIFAR100,
        channels=3,
        images=50_000,
    ),
    Source(
        "folder",
        "A folder with one folder of image files for each class, or with the folders of parts that hold these: "
        "`train`, `val`, `test`, in any dress.",
        (
            Param("path", FilePath(), doc="the folder; relative to the spec's folder"),
            Param("skip_broken", Bool(), False, "skip files that cannot be used, and report how many and which"),
        ),
        target="specc.backend.data.folder.read_folder",
        example='folder("data/flowers")',
        channels=3,
        files=True,
    ),
    Source(
        "csv",
        "A table of image files and what is to be learned of each: a class (`label`), tags (`labels`), or numbers "
        "(`target`, `targets`). Columns are bare names or texts. Paths are relative to the table's folder. A CSV file "
        "is UTF-8, and its first row names the columns; Parquet is known by its ending.",
        (
            Param("path", FilePath("data/birds.csv"), doc="the table, .csv or .parquet; relative to the spec's folder"),
            Param("image", COLUMN, doc="the column with the image files"),
            Param("label", COLUMN, None, "the column with the class"),
            Param(
                "labels",
                Either(COLUMN, ListOf(COLUMN)),
                None,
                "columns of 0 and 1, one for each tag, or one column with several tags",
            ),
            Param("target", COLUMN, None, "the column with a number to predict"),
            Param("targets", ListOf(COLUMN), None, "columns with numbers to predict"),
            Param("separator", Text(";"), None, 'what separates the tags in one column, such as ";"'),
            Param("part", COLUMN, None, "a column that says train, validation or test"),
            Param("group", COLUMN, None, "a column whose equal values stay on one side of a split, such as a patient"),
            Param("skip_broken", Bool(), False, "skip images that cannot be used, and report how many and which"),
        ),
        check=_check_csv,
        target="specc.backend.data.csv_source.read_csv",
        example='csv("labels.csv", image=file, label=species)',
        channels=3,
        files=True,
        task=_csv_task,
        outputs=_csv_outputs,
    ),
    Source(
        "masks",
        "Two folders: images, and for each a mask of the same name, whatever its ending: an image file that holds the "
        "number of a class for each pixel, in 8 or 16 bits of gray or as indices into a palette. Both may hold the "
        "folders of parts: `train`, `val`, `test`, in any dress.",
        (
            Param("images", FilePath("cells/images"), doc="the folder with the images; relative to the spec's folder"),
            Param("masks", FilePath("cells/masks"), doc="the folder with the masks"),
            Param(
                "classes",
                ListOf(Word("a class", "traffic light")),
                None,
                "the names of the classes 0, 1, 2, …; without it, they are called by their numbers",
            ),
            Param("ignore", Maybe(Int(0, 255)), 255, "the number of pixels that are neither trained on nor measured"),
            Param(
                "skip_broken",
                Bool(),
                False,
                "skip pairs of which the image or the mask is damaged, or that differ in size, and report how many and "
                "which",
            ),
        ),
        check=_check_masks,
        target="specc.backend.data.masks.read_masks",
        example='masks("images", "masks", classes=[background, cat])',
        channels=3,
        files=True,
        task=lambda a: SEGMENTATION,
        outputs=lambda a: a.classes,
    ),
    Source(
        "webdataset",
        'Tar files ("shards") of samples: the files of a sample share a name, such as `7.jpg` and `7.cls`. '
        "A label is a number from 0 or a name, in `.cls`, or in `.json` as `label`; tags are a list in `.json`, as "
        "`labels`.",
        (
            Param(
                "path",
                FilePath("train-{000..127}.tar"),
                doc="the shards; relative to the spec's folder",
            ),
            Param("test", FilePath("test-{000..007}.tar"), None, "the shards of the test split"),
            Param("skip_broken", Bool(), False, "skip images that cannot be used, and report how many and which"),
        ),
        target="specc.backend.data.webdataset.read_webdataset",
        example='webdataset("data/train-{000..127}.tar")',
        channels=3,
        files=True,
        task=lambda a: None,
    ),
    Source(
        "packed",
        "What `specc pack` has written: images in shards, which are read as they are wanted, and an index that knows "
        "them. They lie in a folder, or behind an address that fsspec reads, such as `s3://` or `https://`; what is "
        "fetched from there is kept in a cache.",
        (
            Param("path", FilePath("data/shards"), doc="the folder, relative to the spec's folder; or its address"),
            Param(
                "window",
                Maybe(Int(1, 100_000)),
                None,
                "an epoch mixes the images of so many shards at a time, so that no more of them have to be at hand; "
                "none: all images are shuffled at once",
            ),
        ),
        target="specc.backend.data.shards.read.read_packed",
        shape_of="specc.backend.data.shards.index.shape_of",
        labels_of="specc.backend.data.shards.index.labels_of",
        example='packed("data/shards")',
        task=lambda a: None,
    ),
    Source(
        "npz",
        "A NumPy archive with uint8 images and their labels: `x_train` and `y_train`, optionally with the same for "
        "`val` and `test`; or `train_images` and `train_labels` (MedMNIST); or `images` and `labels`. Integers N or "
        "N x 1 are classes, N x K of 0 and 1 are tags, N x H x W are masks (255 is ignored), and floats are numbers to "
        "predict. `classes` may hold their names.",
        (Param("path", FilePath("data/tissue.npz"), doc="the file; a relative path counts from the spec's folder"),),
        target="specc.backend.data.npz.read_npz",
        shape_of="specc.backend.data.npz_header.shape_of",
        example='npz("data/letters.npz")',
        task=lambda a: None,
    ),
    Source(
        "none",
        "No images yet, as in the specs of the zoo: the network sees `channels` x `view`. It can be checked, shown and "
        "emitted, but not trained.",
        target="specc.backend.data.none.read_none",
        example="none",
        channels=3,
        files=True,
        task=lambda a: None,
    ),
)
