"""The words a pretend firm is made of, in Swedish and English. Everybody and everything here is invented."""

from __future__ import annotations

from typing import NamedTuple

FIRST_NAMES = (
    "Alice Alma Amir Anders Anna Anton Arvid Astrid Axel Birgitta Björn Camilla Carin David Dilan Ebba Edvin Elin Elsa "
    "Emil Emma Erik Eva Fatima Filip Frida Gunnar Gustav Hanna Hassan Helena Henrik Hugo Ida Ingrid Isak Jakob Jan "
    "Jenny Johan Jonas Josefin Julia Karin Karl Kerstin Klara Lars Leila Leo Linnea Lisa Lovisa Lukas Magnus Maja "
    "Malin Maria Markus Marta Mats Mikael Mira Moa Mohammed Nils Nora Olle Oskar Otto Per Petra Rasmus Rebecka Rune "
    "Saga Samuel Sara Signe Simon Siri Sofia Sonja Stefan Stina Sven Tage Thea Tilda Tobias Tove Ulla Valter Vera "
    "Viktor Wilma Yasmin Ylva Zara Åke Åsa"
).split()

LAST_NAMES = (
    "Ahlgren Alm Andersson Arvidsson Axelsson Bengtsson Berg Berglund Bergström Björk Blom Borg Brandt Carlsson Dahl "
    "Dahlberg Danielsson Ek Eklund Ekström Engström Eriksson Falk Forsberg Fransson Friberg Gran Gustafsson Hagström "
    "Hallberg Hansson Hedlund Hellström Henriksson Holm Holmgren Håkansson Isaksson Jakobsson Jansson Johansson "
    "Jonsson Karlsson Kling Lindberg Lindgren Lindholm Lindqvist Lindström Ljung Löfgren Lundberg Lundgren Lundin "
    "Lundqvist Magnusson Malm Martinsson Mattsson Molin Mårtensson Nilsson Norberg Nordin Nyberg Nyström Nåjden Olofsson "
    "Olsson Persson Pettersson Pålsson Roos Sandberg Samuelsson Sjöberg Sjögren Skoog Strand Strömberg Sundberg "
    "Sundström Svensson Söderberg Söderström Torn Vik Viklund Wallin Westin Wikström Åberg Åkesson Åström Öberg Östlund"
).split()


class Words(NamedTuple):
    """What differs by language. ``departments`` come with the part of the firm that works there, in percent."""

    departments: dict[str, int]
    teams: tuple[str, ...]
    leaders: str
    meeting: str
    singles: tuple[str, ...]
    shared: tuple[str, ...]
    rooms: tuple[str, ...]
    job_titles: tuple[str, ...]


SWEDISH = Words(
    departments={
        "Utveckling": 26,
        "Produktion": 20,
        "Försäljning": 14,
        "Kundservice": 11,
        "Lager och logistik": 9,
        "Ekonomi": 6,
        "Marknad": 5,
        "IT": 4,
        "HR": 3,
        "Ledning": 2,
    },
    teams=("Plattform", "Produkt"),
    leaders="Chefer",
    meeting="Avdelningsmöte {department}",
    singles=(
        "Tandläkare",
        "Utvecklingssamtal förskolan",
        "Kundmöte Björkdalens Trä",
        "Avstämning budget",
        "Lunch med Mira",
        "Intervju kandidat",
        "Genomgång leverans",
        "Bilbesiktning",
        "Workshop nya lagret",
        "Fokustid",
    ),
    shared=("Info", "Support", "Faktura", "Larm", "Press", "Rekrytering"),
    rooms=("Granen", "Tallen", "Björken", "Enen", "Lärken", "Rönnen", "Sälgen", "Linden"),
    job_titles=("Medarbetare", "Specialist", "Samordnare", "Handläggare"),
)

ENGLISH = Words(
    departments={
        "Development": 26,
        "Production": 20,
        "Sales": 14,
        "Customer Service": 11,
        "Warehouse and Logistics": 9,
        "Finance": 6,
        "Marketing": 5,
        "IT": 4,
        "HR": 3,
        "Management": 2,
    },
    teams=("Platform", "Product"),
    leaders="Managers",
    meeting="{department} meeting",
    singles=(
        "Dentist",
        "Parents' evening",
        "Customer meeting Birchdale Timber",
        "Budget check-in",
        "Lunch with Mira",
        "Candidate interview",
        "Delivery walk-through",
        "Car inspection",
        "Workshop new warehouse",
        "Focus time",
    ),
    shared=("Info", "Support", "Invoices", "Alarms", "Press", "Recruiting"),
    rooms=("Spruce", "Pine", "Birch", "Juniper", "Larch", "Rowan", "Willow", "Linden"),
    job_titles=("Associate", "Specialist", "Coordinator", "Administrator"),
)
