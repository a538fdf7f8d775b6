//! A small test SDK for the programs on the SVM; the tests are in tests/.
