"""Scripts as users of h2o-py write them: `import h2o` is daskdl here, on one embedded cluster."""

import numpy as np
import pandas as pd
import pytest

import daskdl

daskdl.as_h2o()  # before the test modules of this folder are imported, which say `import h2o`


@pytest.fixture(scope="session", autouse=True)
def _session():
    """One cluster for all scripts; each of them calls h2o.init() or nothing."""
    import h2o

    h2o.init(nthreads=2, verbose=False, dashboard=False)
    h2o.no_progress()
    yield
    h2o.show_progress()
    h2o.cluster().shutdown()


@pytest.fixture(autouse=True)
def _clean_keys():
    """Every script starts with nothing kept."""
    import h2o

    h2o.init(nthreads=2, verbose=False, dashboard=False)
    h2o.remove_all()


@pytest.fixture(scope="session")
def locate(tmp_path_factory):
    """Find a table by name, written as a CSV file: stand-ins of the public tables, with their columns."""
    folder = tmp_path_factory.mktemp("smalldata")
    makers = {"cars": _cars, "insurance": _insurance, "weather": _weather, "digits": _digits}

    def find(name: str) -> str:
        path = folder / f"{name}.csv"
        if not path.exists():
            makers[name]().to_csv(path, index=False, header=name != "digits")
        return str(path)

    return find


def _cars() -> pd.DataFrame:
    """406 cars; a heavy one with much power needs more petrol. A few values are missing, as in the real table."""
    draw = np.random.default_rng(1)
    cylinders = draw.choice([3, 4, 5, 6, 8], 406, p=[0.02, 0.5, 0.02, 0.2, 0.26])
    displacement = np.round(cylinders * 45 + draw.normal(0, 20, 406))
    power = np.round(cylinders * 19 + draw.normal(0, 10, 406))
    weight = np.round(1500 + 300 * cylinders + draw.normal(0, 200, 406))
    economy = np.round(45 - weight / 150 + draw.normal(0, 2, 406), 1)
    table = pd.DataFrame(
        {
            "name": [f"car {k}" for k in range(406)],
            "economy": economy,
            "cylinders": cylinders,
            "displacement": displacement,
            "power": power,
            "weight": weight,
            "acceleration": np.round(draw.normal(15, 3, 406), 1),
            "year": draw.integers(70, 83, 406),
            "economy_20mpg": (economy > 20).astype(int),
        }
    )
    table.loc[[10, 50, 90], "power"] = np.nan
    return table


def _insurance() -> pd.DataFrame:
    """64 groups of policy holders: how many there are, how many claims they made."""
    draw = np.random.default_rng(2)
    rows = [
        (d, g, a)
        for d in (1, 2, 3, 4)
        for g in ("<1l", "1-1.5l", "1.5-2l", ">2l")
        for a in ("<25", "25-29", "30-35", ">35")
    ]
    table = pd.DataFrame(rows, columns=["District", "Group", "Age"])
    table["Holders"] = draw.integers(10, 2000, 64)
    rate = 0.1 + 0.03 * table["Group"].map({"<1l": 0, "1-1.5l": 1, "1.5-2l": 2, ">2l": 3})
    table["Claims"] = draw.poisson(table["Holders"] * rate)
    return table


def _weather() -> pd.DataFrame:
    """366 days; a damp one is followed by rain."""
    draw = np.random.default_rng(3)
    damp = draw.random(366)
    table = pd.DataFrame(
        {
            "Date": pd.date_range("2007-11-01", periods=366).strftime("%Y-%m-%d"),
            "Sunshine": np.round(14 * (1 - damp), 1),
            "MaxWindSpeed": draw.integers(10, 90, 366),
            "RelHumid9am": np.round(40 + 55 * damp),
            "Cloud9am": np.round(8 * damp),
            "ChangeTempDir": draw.choice(["up", "down"], 366),
            "ChangeWindDirect": draw.choice(["c", "l", "n", "s"], 366),
            "RainToday": draw.integers(0, 2, 366),
            "RISK_MM": np.round(np.maximum(0, damp - 0.7) * 40, 1),
            "RainTomorrow": (damp + draw.normal(0, 0.1, 366) > 0.7).astype(int),
        }
    )
    table.loc[draw.integers(0, 366, 8), "Sunshine"] = np.nan
    return table


def _digits() -> pd.DataFrame:
    """scikit-learn's 1,797 pictures of 8 x 8, the digit last: no header, as H2O's MNIST."""
    from sklearn.datasets import load_digits

    pictures, labels = load_digits(return_X_y=True)
    return pd.DataFrame(np.column_stack([pictures, labels]).astype(int))
